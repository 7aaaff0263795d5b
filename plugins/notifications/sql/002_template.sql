-- What is written to people: one row for a name and a locale. A company's own
-- goes before the house's.
create table notifications.template (
    id         uuid        not null,
    name       text        not null,
    locale     text        not null,   -- BCP 47
    company_id text,                   -- null: the house's
    subject    text        not null,   -- also the title of a push
    text       text        not null,
    html       text,
    short      text,                   -- of SMS and push; null: the subject
    version    int         not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint template_pkey primary key (id)
);
create unique index template_taken on notifications.template (name, locale, (coalesce(company_id, '')));

create function notifications.template_body(t notifications.template) returns json
language sql stable
return json_build_object(
    'id', t.id,
    'name', t.name,
    'locale', t.locale,
    'companyId', t.company_id,
    'subject', t.subject,
    'text', t.text,
    'html', t.html,
    'short', t.short,
    'version', t.version,
    'createdAt', vg.z(t.created_at),
    'updatedAt', vg.z(t.updated_at));

create view notifications.template_json as
select
    t.id,
    t as row,
    notifications.template_body(t) as body
from notifications.template as t;

-- templates(name, company, data): what there is by that name, in each locale
-- one: the receiver's, else that of whose station it was, else the house's.
create function notifications.templates(of_name text, company text, data jsonb) returns json
language plpgsql stable as $$
begin
    return (
        select coalesce(json_agg(json_build_object('locale', t.locale, 'subject', t.subject, 'text', t.text, 'html', t.html,
            'short', t.short)), '[]')
        from (
            select distinct on (o.locale) o.*
            from notifications.template as o
            where o.name = of_name
                and (o.company_id is null or o.company_id in (company, data ->> 'operatorId', data ->> 'companyId'))
            order by o.locale, o.company_id nulls last) as t);
end
$$;

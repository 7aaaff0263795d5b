-- What was used: a row for each session that is over, also where it was free
-- or has no price. What it cost stands in its invoice, if there is one.

create table billing.used (
    session_id  uuid        not null,
    operator_id text,
    customer_id text,
    company_id  text,
    month       date        not null,       -- its first day, by the station's clock, at the session's end
    ended_at    timestamptz not null,
    energy_kwh  numeric     not null,
    seconds     bigint      not null,
    currency    text,                       -- NULL: not priced
    constraint used_pkey primary key (session_id)
);
create index used_customer on billing.used (customer_id, ended_at);
create index used_company on billing.used (company_id, ended_at);
create index used_operator on billing.used (operator_id, ended_at);
create index used_age on billing.used (ended_at);

-- A month of a customer's, of one payer and currency.
create view billing.usage as
select u.session_id,
    u.operator_id,
    u.customer_id,
    u.company_id,
    u.ended_at,
    u.energy_kwh,
    u.seconds,
    u.currency,
    v.total - v.credited as amount,
    to_char(u.month, 'YYYY-MM') as month,
    concat_ws('/', to_char(u.month, 'YYYY-MM'), coalesce(u.currency, '-'), coalesce(u.company_id, '-'),
        coalesce(u.customer_id, '-')) collate "C" as place
from billing.used u
left join billing.invoice v on v.subject_id = u.session_id
    and v.subject_kind = 'SESSION'
    and v.part = '';

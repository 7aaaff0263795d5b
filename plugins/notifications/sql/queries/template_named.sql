-- in: template (a name)
-- out: the house's texts by that name, one for each locale
select json_build_object('templates', notifications.templates(:template, null, '{}')) as body;

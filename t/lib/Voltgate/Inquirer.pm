package Voltgate::Inquirer;

# Two plugins of a test's own: `well`, which is asked, and `guest`, which asks
# it by vg_inquire(): before its answer, after it, and in a job; and, in three
# steps, it and itself and the world.

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);

our @EXPORT_OK = qw(inquirers);

sub _slurp {
    my ($name) = @_;
    my $path = dirname(__FILE__) . "/../../kit/inquiry/$name";
    open my $file, '<', $path or die "$path: $!";
    local $/ = undef;
    return scalar <$file>;
}

# what `authored` takes
sub inquirers {
    return (
        well => {
            'plugin.c'              => _slurp('well.c'),
            'sql/001_drawn.sql'     => "create table well.drawn (n bigint not null, by text not null);\n",
            'sql/queries/look.sql'  => <<'SQL',
-- in: n
-- out: how often it was drawn, and who asks; none where n is 404
select json_build_object('drawn', count(*), 'by', :callerId, 'role', :callerRole, 'company', :callerCompany, 'at', :now,
    'correlationId', :correlationId) as body
from well.drawn as d
where d.n = :n
having :n <> 404;
SQL
            'sql/queries/draw.sql'  => <<'SQL',
-- in: n
-- out: ok
-- refuses: well_dry, well_shut, conflict
with drawn as (
    insert into well.drawn (n, by)
    select :n, :callerId
    where :n >= 0
), answer (status, body, events) as (
    select
        case :n when -1 then 'well_dry' when -2 then 'well_shut' when -3 then 'conflict' else 'ok' end,
        case when :n < 0 then json_build_object('depth', :n) else json_build_object('n', :n) end,
        null::jsonb
)
select * from answer;
SQL
        },
        guest => {
            'plugin.c'             => _slurp('guest.c'),
            'sql/001_heard.sql'    => "create table guest.heard (n bigint not null, said jsonb, why text, seen jsonb, try bigint);\n"
                . "create table guest.kept (n bigint not null);\n",
            'sql/queries/note.sql' => <<'SQL',
-- in: n; :outcome
-- out: ok
with heard as (
    insert into guest.heard (n, said)
    values (:n, :outcome)
), answer (status, body, events) as (
    select 'ok', json_build_object('heard', :outcome), null::jsonb
)
select * from answer;
SQL
            'sql/queries/miss.sql' => <<'SQL',
-- in: n; :reason
-- out: ok
with heard as (
    insert into guest.heard (n, why)
    values (:n, :reason)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
SQL
            'sql/queries/tell.sql' => <<'SQL',
-- in: n, seen, try; :outcome
-- out: ok
with heard as (
    insert into guest.heard (n, said, seen, try)
    values (:n, :outcome, :seen, :try)
), answer (status, body, events) as (
    select 'ok', json_build_object('heard', :outcome, 'seen', :seen), null::jsonb
)
select * from answer;
SQL
            'sql/queries/keep.sql' => <<'SQL',
-- in: n
-- out: ok
with kept as (
    insert into guest.kept (n)
    values (:n)
), answer (status, body, events) as (
    select 'ok', json_build_object('n', :n), null::jsonb
)
select * from answer;
SQL
            'sql/queries/leave_tour.sql' => <<'SQL',
-- in: n, asks
-- out: accepted, and a job
with job as (
    insert into vg.job (plugin, kind, payload, correlation_id, actor_id)
    values ('guest', 'guest.tour', jsonb_build_object('n', :n, 'asks', :asks), :correlationId, :callerId)
), answer (status, body, events) as (
    select 'accepted', json_build_object('soon', true), null::jsonb
)
select * from answer;
SQL
            'sql/queries/accept.sql' => <<'SQL',
-- in: nothing
-- out: accepted
with answer (status, body, events) as (
    select 'accepted', json_build_object('soon', true), null::jsonb
)
select * from answer;
SQL
            'sql/queries/leave.sql' => <<'SQL',
-- in: route, n
-- out: accepted, and a job
with job as (
    insert into vg.job (plugin, kind, payload, correlation_id, actor_id)
    values ('guest', 'guest.visit', jsonb_build_object('route', :route, 'n', :n), :correlationId, :callerId)
), answer (status, body, events) as (
    select 'accepted', json_build_object('soon', true), null::jsonb
)
select * from answer;
SQL
        },
    );
}

1;

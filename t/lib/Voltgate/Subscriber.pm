package Voltgate::Subscriber;

# Plans and subscriptions for tests: made by the API, or as if they had been
# for a while; and time that passes for one.
#
#   my $s = Voltgate::Subscriber->new($vg);
#   my $plan = $s->offer('Small', 10);
#   my $id = $s->since($plan, '2026-08-31T10:00:00Z', customer => 'd');   # ACTIVE, its first cycle paid
#   $s->ring($id);                           # whatever it waits for is due now

use strict;
use warnings;

use JSON::PP ();
use Test::More;

my $json = JSON::PP->new->canonical->allow_nonref;

our $ISSUER = '019393c0-0000-7000-8000-000000000001';

sub new { my ($class, $vg) = @_; return bless { vg => $vg }, $class }

sub offer {
    my ($self, $name, $price, %more) = @_;
    my $r = $self->{vg}->post('/api/v1/billing/plans', { name => $name, operatorId => $ISSUER, price => $price,
        currency => 'EUR', cycle => 'MONTHLY', country => 'DE', timeZone => 'Europe/Berlin', includedKwh => 50, %more });
    $r->{status} == 201 or die "no plan: $r->{body}\n";
    return $r->{json};
}

sub show { my ($self, $id) = @_; return $self->{vg}->get("/api/v1/billing/subscriptions/$id")->{json} }

sub becomes {
    my ($self, $id, $status, $seconds) = @_;
    return $self->{vg}->wait_for(sub { $self->show($id)->{status} eq $status }, $seconds // 15)
        || diag explain $self->show($id);
}

# (type, …) of its history
sub history {
    my ($self, $id) = @_;
    return map { $_->{type} } @{ $self->{vg}->get("/api/v1/billing/subscriptions/$id/events?limit=200")->{json}{items} };
}

sub append {
    my ($self, $id, $type, $data) = @_;
    $self->{vg}->sql(q{select billing.subscription_append($1, coalesce(max(e.version), 0), $2, $3, 'test', now(), 'test')
        from billing.event_store e where e.aggregate = $1}, $id, $type, $json->encode($data));
    return;
}

# count => so many, of customers of their own: (ids)
sub since {
    my ($self, $plan, $anchor, %whose) = @_;
    my $vg    = $self->{vg};
    my $id    = $vg->sql('select vg.uuid7()');
    my $terms = $json->decode($vg->sql('select billing.plan_terms($1, $2)', $plan->{id}, $plan->{revision}));
    my $end   = $vg->sql('select vg.z(billing.cycle_moment($1, $2, $3, 1))', $anchor, @$terms{qw(timeZone cycle)});
    $self->append($id, 'CREATED', { issuer => $plan->{operatorId}, terms => $terms, anchor => $anchor,
        $whose{customer} ? (customerId => $whose{customer}) : (companyId => $whose{company}) });
    $self->append($id, 'INVOICED', { period => 0, periodStart => $anchor, periodEnd => $end, terms => $terms });
    $self->append($id, 'ACTIVATED', { $whose{nextAt} ? (nextAt => $whose{nextAt}) : () });
    return $id;
}

# the same, until ring(): its clock does not look meanwhile
sub at_rest { my ($self, @of) = @_; return $self->since(@of, nextAt => '2100-01-01T00:00:00Z') }

# at rest, with other terms from the next cycle on
sub planned {
    my ($self, $plan, $anchor, $terms, @whose) = @_;
    my $id = $self->at_rest($plan, $anchor, @whose);
    $self->append($id, 'CHANGE_PLANNED', { planned => $terms });
    return $id;
}

# So many copies of one, each a company's of its own (`name1` and so on), paid up
# to last midnight of UTC; the clock does not look yet.
sub cohort {
    my ($self, $plan, $name, $count) = @_;
    my $vg = $self->{vg};
    $vg->sql(q{insert into billing.payer (id, kind, terms) select $1 || n, 'COMPANY', 'ACCOUNT' from generate_series(0, $2::int) n},
        $name, $count);
    my $one = $self->at_rest($plan, $vg->sql(q{select vg.z(date_trunc('day', now(), 'UTC') - interval '1 month')}),
        company => "of-$name");
    my $all = q{(select md5($2 || n)::uuid as id, $2 || n as company from generate_series(1, $3::int) n) x};
    $vg->sql(qq{insert into billing.event_store (aggregate, version, type, data, actor, at, correlation_id)
        select x.id, e.version, e.type, e.data || case e.version when 1 then jsonb_build_object('companyId', x.company) else '{}' end,
            e.actor, e.at, e.correlation_id
        from billing.event_store e cross join $all where e.aggregate = \$1}, $one, $name, $count);
    $vg->sql(qq{insert into billing.subscription (id, status, issuer, company_id, plan_id, next_at, state, version)
        select x.id, s.status, s.issuer, x.company, s.plan_id, s.next_at, s.state || jsonb_build_object('companyId', x.company), s.version
        from billing.subscription s cross join $all where s.id = \$1}, $one, $name, $count);
    return;
}

# on a company's account, by the API: ACTIVE, invoiced
sub bought {
    my ($self, $plan, $company) = @_;
    my $r = $self->{vg}->post('/api/v1/billing/subscriptions', { planId => $plan->{id}, companyId => $company });
    $r->{status} == 202 or die "not subscribed: $r->{body}\n";
    $self->becomes($r->{json}{id}, 'ACTIVE') or die "not active\n";
    return $r->{json}{id};
}

# its clock rings now
sub ring {
    my ($self, $id) = @_;
    $self->{vg}->sql('update billing.subscription set next_at = now() where id = $1 and next_at is not null', $id);
    return;
}

# each row is what its events alone make of it, with snapshots and without
sub rebuilt {
    my ($self) = @_;
    my $vg = $self->{vg};
    cmp_ok $vg->sql('select count(*) from billing.subscription'), '>', 0, 'there are some';
    is $vg->sql(q{select count(*) from billing.subscription s
        where s.state is distinct from billing.subscription_rebuilt(s.id, false)
            or s.state is distinct from billing.subscription_rebuilt(s.id, true)}), 0, 'events alone make the same of all';
    is $vg->sql(q{select count(*) from billing.subscription s
        where s.status = 'ACTIVE'
            and s.state ? 'periodStart'
            and (billing.gives(s.state) > 0 or (s.state #>> '{terms,discountPercent}')::numeric > 0)
            and not exists (
                select from billing.allowance a
                where a.subscription_id = s.id and a.starts_at = (s.state ->> 'periodStart')::timestamptz
                    and a.ends_at = (s.state ->> 'periodEnd')::timestamptz and a.included_kwh = billing.gives(s.state)
                    and a.discount_percent = (s.state #>> '{terms,discountPercent}')::numeric)}), 0, 'what they give is what they say';
    is $vg->sql('select count(*) from billing.fault'), 0, 'and the books balance';
    return;
}

1;

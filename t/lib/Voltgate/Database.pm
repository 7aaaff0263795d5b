package Voltgate::Database;

# The database of a Voltgate: asked as its owner, stopped, started, made.

use strict;
use warnings;

use DBI;
use File::Basename qw(basename);

# As the owner. sql: the first column of the first row, in any context;
# undef when there is none. rows: all rows, as hashes.
sub sql {
    my ($self, @rest) = @_;

    my $statement = $self->_execute(@rest);
    return undef if !$statement->{NUM_OF_FIELDS};
    my $rows = $statement->fetchall_arrayref;
    return @$rows ? $rows->[0][0] : undef;
}

sub rows {
    my ($self, @rest) = @_;
    return @{ $self->_execute(@rest)->fetchall_arrayref({}) };
}

# party('driver-1', company => 'c', vehicles => [ids]): a customer that accounts
# knows, and vehicles of its; company is whose customer, and the vehicles' fleet
sub party {
    my ($self, $id, %more) = @_;

    my ($there) = grep { grep { $_ eq 'accounts' } @{ $self->{opts}{elsewhere}{$_} } } keys %{ $self->{opts}{elsewhere} || {} };
    my $accounts = $there ? $self->elsewhere($there) : $self;
    $accounts->sql('insert into accounts.customer (id, company_id, created_at, updated_at) values ($1, $2, now(), now())',
        $id, $more{company});
    $accounts->sql(q{insert into accounts.vehicle (id, customer_id, company_id, plate, created_at, updated_at)
        values ($1::uuid, $2, $3, right($1::text, 12), now(), now())}, $_, $id, $more{company}) for @{ $more{vehicles} || [] };
    return;
}

# Jobs that wait for their next try are due. One that somebody has is not: taken
# from them it would be a try more.
sub hurry {
    my ($self) = @_;
    return $self->sql('update vg.job set next_at = now() where dead_at is null and lease is null and next_at > now()');
}

# as if the leases were over of whoever has a job
sub end_leases {
    my ($self) = @_;
    return $self->sql('update vg.job set next_at = now() where dead_at is null and lease is not null');
}

# erased($vg->delete("/api/v1/customers/$id")->{json}{erasureId}): its report, once
# it is over. The pause in which the last calls of who is erased may end passes.
sub erased {
    my ($self, $erasure) = @_;

    my $report;
    $self->wait_for(sub {
        $self->sql('update accounts.erasure set next_at = now() where id = $1 and closed and next_at > now()', $erasure);
        $report = $self->get("/api/v1/erasures/$erasure")->{json};
        return ($report->{status} // '') eq 'COMPLETED';
    }, 20);
    return $report;
}

# How many connections to it wait for a lock, all or for such a one: pg_locks has
# those of other files' databases as well, whose oids may be the same.
sub waiting {
    my ($self, $which) = @_;
    return $self->sql(q{select count(distinct w.pid) from pg_locks w join pg_locks here using (pid)
        where not w.granted and here.database = (select oid from pg_database where datname = current_database())}
            . ($which ? " and w.$which" : ''));
}

sub _execute {
    my ($self, $query, @params) = @_;

    my $statement = $self->dbh->prepare_cached($query);
    $statement->execute(@params);
    return $statement;
}

sub dbh {
    my ($self) = @_;

    if (!$self->{dbh} || !$self->{dbh}->ping) {
        $self->{dbh} = $self->_connect($self->{owner_url});
        $self->{dbh}->do('set search_path = pg_catalog');
    }
    return $self->{dbh};
}

# With own_cluster alone: as its superuser, a connection of its own.
sub dba {
    my ($self) = @_;

    die 'dba needs own_cluster' if !$self->{cluster};
    (my $url = $self->{owner_url}) =~ s/user=\S+/user=postgres/;
    return $self->_connect($url);
}

# With own_cluster alone. how: fast, or immediate for a crash.
sub pg_stop {
    my ($self, $how) = @_;

    die 'pg_stop needs own_cluster' if !$self->{cluster};
    delete $self->{dbh};
    $self->_script('docker/cluster', 'stop', $how || 'fast');
    return;
}

sub pg_start {
    my ($self) = @_;
    $self->_script('docker/cluster', 'start');
    return;
}

# ------------------------------------------------------------------ within

# A database copied from the one that t/run migrated; alone, or when asked
# for, a whole cluster.
sub _database {
    my ($self, $own) = @_;

    $self->{cluster} = 1 if $own;
    $self->_places;
    if ($own) {
        $self->_script('docker/cluster', 'create');
        $self->_script("$self->{build}/voltgate", 'migrate');
        return;
    }

    my $name = 't_' . basename($self->{state});
    $name =~ s/\W/_/g;
    $name = substr $name, -60;
    $self->_maintenance(qq{create database "$name" template voltgate strategy file_copy});
    $self->{database} = qq{"$name"};
    # a copy has its template's tables but not its grants on the database
    $self->_maintenance(qq{grant connect on database "$name" to vg_gate});
    $self->_maintenance(qq{revoke temporary on database "$name" from public});
    for my $which (qw(URL OWNER_URL)) {
        (my $url = $ENV{"VG_TEST_$which"}) =~ s/dbname=\S+/dbname=$name/;
        $self->{env}{"DATABASE_$which"} = $url;
    }
    $self->{owner_url} = $self->{env}{DATABASE_OWNER_URL};
    return;
}

sub _maintenance {
    my ($self, $statement) = @_;

    (my $url = $ENV{VG_TEST_OWNER_URL}) =~ s/dbname=\S+/dbname=postgres/;
    my $dbh = $self->_connect($url);
    $dbh->do($statement);
    $dbh->disconnect;
    return;
}

sub _connect {
    my ($self, $url) = @_;

    (my $dsn = $url) =~ s/user=(\S+)//;
    my $user = $1;
    $dsn =~ s/\s+/;/g;
    return DBI->connect("dbi:Pg:$dsn", $user, '', {
        RaiseError => 1, PrintError => 0, AutoInactiveDestroy => 1,
        pg_server_prepare => 1, pg_placeholder_dollaronly => 1,
    });
}

1;

#!/usr/bin/perl

# What every room stands on: the gateway comes up on two workers over TLS,
# refuses in one shape, logs in JSON, and outlives a worker.

use strict;
use warnings;

use Test::More;
use Voltgate;

my $vg = Voltgate->start;

is scalar(my @workers = $vg->workers), 2, 'two workers serve';
is $vg->get('/ready')->{status}, 200, 'it is ready';

my $none = $vg->get('/api/v1/no-such-thing');
is $none->{status}, 404, 'an unknown path is not found';
like $none->{headers}{'content-type'}, qr{^application/problem\+json},
    'and says so as a problem';
is $none->{json}{status}, 404, 'whose status is the same';

my $long = $vg->get('/ready', { 'X-Long' => 'a' x 9000 });
is $long->{status}, 400, 'an over-long header is refused';
like $long->{headers}{'content-type'}, qr{^application/problem\+json},
    'as a problem, by nginx itself';

is $vg->post('/api/v1/stations', 'x' x (1024 * 1024 + 1))->{status}, 413,
    'so is a body over 1 MiB';

is $vg->get('/api/v1/stations', { 'X-API-Key' => '' })->{status}, 401,
    'nobody is not let in';
is $vg->get('/api/v1/stations')->{status}, 200, 'the admin is';

# nginx logs a call after it has answered it
my $line;
ok $vg->wait_for(sub {
    ($line) = grep { $_->{status} == 200 && $_->{route} =~ /stations/ } $vg->access_log;
    return $line;
}), 'the call is in the access log';
is $line->{role}, 'admin', 'with the role';
like $line->{ms}, qr/^\d+$/, 'and the milliseconds';

$vg->kill_worker($workers[0]);
ok $vg->wait_for(sub {
    my @now = $vg->workers;
    return @now == 2 && !grep { $_ == $workers[0] } @now;
}), 'a worker that was killed is replaced';
ok $vg->wait_for(sub { $vg->client(fresh => 1)->get($vg->url('/ready'))->{status} == 200 }),
    'and both are ready: one that was, one that looked at the database first';

done_testing;

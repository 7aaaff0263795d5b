# Calls over HTTP: what goes out, what comes back, and what each way of failing
# is called.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Caller;
use Voltgate::World;

my $world = Voltgate::World->start;
my $shut  = Voltgate::shut_port();

# patient with failures, so that one test's are not the next one's breaker
my $terms = 'rate=10000 concurrent=64 tries=1 timeout=500ms window=20';
my $vg = Voltgate->start(extra => { http => <<"END" });
    voltgate_target world   url=@{[ $world->url ]} $terms;
    voltgate_target base    url=@{[ $world->url('/status/') ]} $terms;
    voltgate_target shut    url=http://127.0.0.1:$shut $terms;
    voltgate_target nowhere url=http://name.invalid $terms;
    voltgate_target again   url=@{[ $world->url ]} rate=10000 tries=3 backoff=50ms timeout=500ms window=20;
    voltgate_target small   url=@{[ $world->url ]} $terms answer=1k;
END
caller_of($vg);

sub call { my (%what) = @_; return $vg->post('/api/v1/call', { target => 'world', %what }) }

subtest 'an answer is an outcome' => sub {
    my $r = call(path => '/json');
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{status}, 200;
    is_deeply $r->{json}{headers}, { 'content-type' => 'application/json', etag => '"x"', 'retry-after' => '7' }, 'a few headers';
    like $r->{body}, qr/12345678901234567890\.5/, 'a number is no double';
    is_deeply $r->{json}{body}{a}, [ 1, { b => undef } ];
    is call(path => '/text')->{json}{body}, "plain \x{e4} text", 'text as text';
    is call(path => '/binary')->{json}{body}, undef, 'neither';
    ok exists call(path => '/binary')->{json}{body};
    is call(path => '/nul')->{json}{body}, '{"a":"\u0000"}', 'what jsonb does not take, as text';
    is_deeply call(path => '/empty')->{json}, { status => 204, headers => {}, body => undef };
};

subtest 'what goes out' => sub {
    $world->forget;
    my $r = $vg->post('/api/v1/call', { target => 'world', path => '/ok?a=b&c=%20', method => 'POST', text => '{"x":1}', key => 'k-1',
        name => 'X-Mine', value => 'a b' },
        { 'X-Correlation-ID' => 'correlated-1', traceparent => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
    is said($r), 200;
    my ($request) = $world->requests(qr{^/ok});
    is $request->{method}, 'POST';
    is $request->{path}, '/ok?a=b&c=%20';
    is $request->{body}, '{"x":1}';
    my $h = $request->{headers};
    is $h->{'content-type'}, 'application/json';
    is $h->{'idempotency-key'}, 'k-1';
    is $h->{'x-mine'}, 'a b';
    is $h->{'x-correlation-id'}, 'correlated-1';
    like $h->{traceparent}, qr/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/, 'the trace goes on in a span of its own';
    is $h->{host}, '127.0.0.1:' . $world->port;
    ok !exists $h->{expect}, 'nobody waits for a 100';

    for my $method (qw(GET PUT PATCH DELETE)) {
        $world->forget;
        is said(call(path => '/ok', method => $method, $method eq 'GET' ? () : (text => 'body', type => 'text/plain'))), 200, $method;
        my ($seen) = $world->requests(qr{^/ok});
        is $seen->{method}, $method;
        is $seen->{body}, $method eq 'GET' ? '' : 'body';
    }
    $world->forget;
    is said(call(path => '/ok', method => 'POST')), 200, 'a POST of nothing';
    is +($world->requests(qr{^/ok}))[0]{headers}{'content-length'}, 0;
    is said($vg->post('/api/v1/call', { target => 'base', path => '/204' })), 200, "a target's own path comes first";
};

subtest 'connections are used again, but for what must not be sent twice' => sub {
    $world->forget;
    # as many as both workers could have open, and more
    is said(call(path => '/ok?again')), 200 for 1 .. 20;
    my %used = map { $_->{connection} => 1 } $world->requests(qr{again});
    cmp_ok scalar keys %used, '<', 10, 'fewer connections than calls';
    $world->forget;
    is said(call(path => '/ok?fresh', method => 'POST', text => '{}')), 200 for 1 .. 5;
    my %fresh = map { $_->{connection} => 1 } $world->requests(qr{fresh});
    is scalar keys %fresh, 5, 'a POST without a key has one of its own';
};

subtest 'each way of failing has its name' => sub {
    my @ways = (
        [ { path => '/status/500' }, 'upstream' ], [ { path => '/status/404' }, 'rejected' ],
        [ { path => '/status/301' }, 'rejected' ], [ { path => '/redirect' }, 'rejected' ],
        [ { path => '/hang' }, 'silent' ],         [ { path => '/half' }, 'silent' ],
        [ { path => '/cut' }, 'unreachable' ],     [ { path => '/close' }, 'unreachable' ],
        [ { path => '/nonsense' }, 'unreachable' ],
        [ { target => 'shut' }, 'unreachable' ],   [ { target => 'nowhere' }, 'unreachable' ],
        [ { path => '/large/70000' }, 'answer_too_large' ],
        [ { path => '/headers/90000' }, 'answer_too_large' ],
        [ { target => 'small', path => '/large/1025' }, 'answer_too_large' ],
    );
    for my $way (@ways) {
        my ($what, $name) = @$way;
        my $began = time;
        my $r = call(%$what);
        is said($r), $name, join ' ', map { $what->{$_} } sort keys %$what;
        cmp_ok time - $began, '<', 5, 'in time';
    }
    my $r = call(path => '/status/404');
    is $r->{status}, 502, 'an error of the other side is a 502';
    is $r->{json}{status}, 502;
    is $r->{json}{answered}, 404;
    is $r->{json}{target}, 'world';
    is call(target => 'small', path => '/large/1024')->{json}{body}, 'x' x 1024, 'the bound itself fits';
    $world->forget;
    call(path => '/redirect');
    is scalar $world->requests(qr{^/ok}), 0, 'nobody goes where a redirect points';
};

subtest 'any status can be an outcome' => sub {
    is call(path => '/status/404', any => JSON::PP::true)->{json}{status}, 404;
    my $r = call(path => '/status/503', any => JSON::PP::true);
    is $r->{json}{status}, 503;
    is_deeply $r->{json}{body}, { code => 'X' };
    $world->forget;
    is call(target => 'again', path => '/fail/1/any', any => JSON::PP::true)->{json}{status}, 200, 'but is tried again first';
    is scalar $world->requests(qr{^/fail}), 2;
};

subtest 'an answer that was not asked for is nobody\'s' => sub {
    is call(path => '/twice')->{json}{body}{n}, 1;
    ok $vg->wait_for(sub { $world->requests(qr{^/said-twice}) }), 'it lies in the connection';
    for (1 .. 8) {
        is_deeply call(path => '/ok')->{json}{body}, { well => JSON::PP::true }, 'the next call has its own';
    }
};

subtest 'no request is made of what would be another' => sub {
    $world->forget;
    for my $bad ({ path => "/ok\r\nX-Evil: 1" }, { path => '/ok HTTP/1.1' }, { path => "/ok\x{e4}" },
        { path => '@localhost/ok' }, { path => '.evil.example/ok' }, { path => ':1/ok' }, { path => 'ok' }, { path => '/a/../ok' }, { path => '/..' },
        { path => '/a/%2E%2e/ok' }, { path => '/./ok' }, { path => '/a/.%2e?x' },
        { name => 'X-Mine', value => "a\r\nX-Evil: 1" }, { name => "X-Mine: a\r\nX-Evil", value => 'x' }, { name => 'X Mine', value => 'x' },
        { name => 'Host', value => 'elsewhere' }, { name => 'Content-Length', value => '0' }, { name => 'transfer-encoding', value => 'chunked' },
        { key => "k\r\nX-Evil: 1" }, { key => 'k k' }, { type => "text/plain\r\nX-Evil: 1" }, { target => 'unknown' },
        { url => $world->url('/ok') })
    {
        is said(call(path => '/ok', method => 'PUT', text => 'x', %$bad)), 'internal', JSON::PP->new->canonical->encode($bad);
    }
    is scalar $world->requests(qr/./), 0, 'none came';
    is said($vg->post('/api/v1/call', {})), 'internal', 'nor of nothing';
};

subtest 'steps after the answer' => sub {
    my $heard = sub { return $vg->rows('select outcome, reason, correlation from accounts.heard where note = $1', $_[0]) };
    is $vg->post('/api/v1/call-after', { target => 'world', path => '/ok?after' }, { 'X-Correlation-ID' => 'after-1' })->{status}, 202;
    ok $vg->wait_for(sub { $heard->('/ok?after') }), 'the outcome is written down';
    my ($row) = $heard->('/ok?after');
    is $row->{correlation}, 'after-1';
    is +JSON::PP->new->decode($row->{outcome})->{status}, 200;
    is $vg->post('/api/v1/call-after', { target => 'world', path => '/status/500' })->{status}, 202;
    ok $vg->wait_for(sub { $heard->('/status/500') }), 'or undone';
    is +($heard->('/status/500'))[0]{reason}, 'upstream';
};

subtest 'what is safe to repeat is repeated' => sub {
    my $tried = sub {
        my ($name, %what) = @_;
        # a tenth of these may be tried again, and faults move out of the window
        is said(call(target => 'again', path => '/ok')), 200 for 1 .. 30;
        $world->forget;
        my $r = call(target => 'again', %what, path => "$what{path}/$name");
        return said($r) . ' after ' . scalar $world->requests(qr{/\Q$name\E$});
    };
    is $tried->('a', path => '/fail/2'), '200 after 3', 'a GET, three times';
    is $tried->('b', path => '/fail/9'), 'upstream after 3', 'and no more';
    is $tried->('c', path => '/fail/1', method => 'PUT', text => 'x'), '200 after 2', 'a PUT';
    is $tried->('d', path => '/fail/1', method => 'POST', text => 'x'), 'upstream after 1', 'a POST is not';
    is $tried->('e', path => '/fail/1', method => 'PATCH', text => 'x'), 'upstream after 1', 'nor a PATCH';
    is $tried->('f', path => '/fail/1', method => 'POST', text => 'x', key => 'f'), '200 after 2', 'but with a key';
    is $tried->('g', path => '/shut/1', method => 'POST', text => 'x'), 'unreachable after 1', 'nor when the connection broke over it';
    is $tried->('h', path => '/status/404'), 'rejected after 1', 'a 404 stays one';
};

done_testing;

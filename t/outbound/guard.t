# Hosts that users name: what is no URL of the public world is not called,
# however it is written, and whatever else the gateway may call.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Caller;
use Voltgate::World;

my $world = Voltgate::World->start;
my $port  = $world->port;
my $shut  = Voltgate::shut_port();
my $vg = Voltgate->start(extra => { http => <<"END" });
    voltgate_target world   url=@{[ $world->url ]} tries=1;
    voltgate_target shut    url=http://127.0.0.1:$shut tries=1;
    voltgate_target fenced  url=@{[ $world->url ]} tries=1 private=off;
    voltgate_target_defaults tries=1 timeout=2s rate=10000;
END
# a proxy of the environment would take every call there
$vg->_conf(sub { "env http_proxy=@{[ $world->url ]};\nenv https_proxy=@{[ $world->url ]};\nenv all_proxy=@{[ $world->url ]};\n" . $_[0] });
$vg->reload;
caller_of($vg);

sub named { my ($url) = @_; return said($vg->post('/api/v1/call', { url => $url, method => 'PUT', text => '{}' })) }

subtest 'an address that is not public is refused where it is called' => sub {
    is said($vg->post('/api/v1/call', { target => 'world', path => '/ok' })), 200, 'there is a connection that could be used again' for 1 .. 4;
    $world->forget;
    is named($_), 'refused_address', $_ for
        "http://127.0.0.1:$port/ok", "http://localhost:$port/ok", "http://LOCALHOST:$port/ok",
        "http://127.1:$port/ok", "http://2130706433:$port/ok", "http://0x7f000001:$port/ok", "http://0x7f.1:$port/ok",
        "http://0177.0.0.1:$port/ok", "http://%31%32%37.0.0.1:$port/ok", "http://0:$port/ok", "http://0.0.0.0:$port/ok",
        "http://[::1]:$port/ok", "http://[::]:$port/ok", "http://[::ffff:127.0.0.1]:$port/ok", "http://[::ffff:7f00:1]:$port/ok",
        "http://[0:0:0:0:0:ffff:127.0.0.1]:$port/ok", "http://[64:ff9b::7f00:1]/ok", "http://[::127.0.0.1]:$port/ok",
        "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/",
        "http://[fe80::1]/", "http://[fd00::1]/", "http://224.0.0.1/", "http://255.255.255.255/", "https://127.0.0.1:$port/ok";
    like named($_), qr/^(?:refused_address|unreachable)$/, $_ for "http://localhost.:$port/ok", "http://127.0.0.1.:$port/ok", "http:///127.0.0.1:$port/ok";
    is scalar $world->requests(qr/./), 0, 'nobody came';
    is said($vg->post('/api/v1/call', { target => 'fenced', path => '/ok' })), 'refused_address', 'so is a target with private=off';
};

subtest 'what is no URL to call is refused' => sub {
    is named($_), 'refused_url', $_ for
        '', 'x', '//example.com/', 'example.com', 'http://', 'file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com:70/_x',
        'dict://example.com/', 'smtp://example.com/', 'ldap://example.com', 'javascript:alert(1)', 'http://user@example.com/', 'http://user:pw@example.com/',
        "http://user:pw\@127.0.0.1:$port/", "http://example.com:99999/", "http://example.com:port/", "http://exa mple.com/", "http://example.com/a b",
        "http://example.com/\r\nX-Evil: 1", "http://example.com/\n", "http://example.com/\t", "http://ex\x{e4}mple.com/", "http://[::1",
        'http://[x]/', 'http://example.com/' . 'x' x 3000, 'unix:///run/x';
    is scalar $world->requests(qr/./), 0, 'nobody came';
};

subtest 'a proxy of the environment is not asked' => sub {
    is said($vg->post('/api/v1/call', { target => 'shut', path => '/ok' })), 'unreachable';
    is scalar $world->requests(qr/./), 0;
};

subtest 'who is named is in no metric and no log' => sub {
    is named('http://secret-host.invalid/token?key=hidden'), 'unreachable';
    unlike $vg->get('/metrics')->{body}, qr/secret-host|127\.0\.0\.1/, 'metrics';
    ok metric($vg, 'voltgate_outbound_calls_total', target => '-', outcome => 'refused_address'), 'are counted together';
    unlike $vg->log, qr/secret-host|hidden/, 'log';
};

subtest 'what the conf allows may be called' => sub {
    my $open = Voltgate->start(extra => { http => <<"END" });
    voltgate_outbound_private 127.0.0.0/8;
    voltgate_target_defaults tries=1 timeout=2s rate=10000 window=4;
END
    caller_of($open);
    my $named = sub { return said($open->post('/api/v1/call', { url => $_[0], method => 'GET' })) };
    is $named->("http://127.0.0.1:$port/ok"), 200;
    is $named->("HTTP://127.1:$port/ok#part"), 200, 'however it is written';
    is +($world->requests(qr/./))[-1]{path}, '/ok', 'without what is behind #';
    is $named->("http://[::1]:$port/ok"), 'refused_address', 'and nothing else';
    is $named->("http://127.0.0.1:$port/redirect"), 'rejected', 'redirects are not followed';
    is $named->("http://127.0.0.1:$shut/"), 'unreachable' for 1 .. 2;
    is $named->("http://127.0.0.1:$shut/"), 'breaker_open', 'each host has a breaker';
    is $named->("http://127.0.0.1:$port/ok"), 200, 'of its own';
    like $open->get('/metrics')->{body}, qr/^voltgate_outbound_hosts\{breaker="open"\} 1$/m;
    is $named->('http://127.0.0.' . ($_ % 250 + 1) . ':' . ($shut) . "/$_"), $_ % 250 == 0 ? 'breaker_open' : 'unreachable', "host $_" for 0 .. 20;
};

done_testing;

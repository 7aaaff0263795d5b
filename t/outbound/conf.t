# What the conf says wrong is told by directive, key and line; and it is told
# by `nginx -t`, before anything runs by it.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Conf;

my $vg = Voltgate->start;
my $dir = $vg->{state};

sub good { my ($lines) = @_; my ($status, $out) = says($vg, $lines); is $status, 0, $lines or diag $out; return }

sub bad {
    my ($lines, $pattern) = @_;
    my ($status, $out, $line) = says($vg, $lines);
    isnt $status, 0, $lines;
    like $out, $pattern;
    like $out, qr/try\.conf:$line\b/, 'with its line';
    return;
}

my $secret = put($vg, 'secret', "s3cret\n");
my $open   = put($vg, 'open', "s3cret\n", 0644);
my $two    = put($vg, 'two', "a\nb\n");
my $empty  = put($vg, 'empty', '');
my $ca     = "$dir/tls/cert.pem";

subtest 'what is right' => sub {
    good('voltgate_target a url=https://example.com;');
    good('voltgate_target a url=https://example.com:8443/base/ rate=5 concurrent=64 wait=0 tries=1 backoff=10ms timeout=30s window=20 open=1m trials=15 answer=1m private=off;');
    good("voltgate_target a url=https://example.com ca=$ca secret_file=$secret header=Authorization \"prefix=Bearer \";");
    good("voltgate_target a url=smtps://example.com ca=$ca secret_file=$secret user=me;");
    good('voltgate_target a url=smtp://127.0.0.1:25 starttls=off;');
    good("voltgate_target_defaults rate=1 ca=$ca;");
    good('voltgate_outbound_private on;');
    good('voltgate_outbound_private 10.0.0.0/8 fd00::/8;');
    good('voltgate_job webhook.deliver tries=20 concurrent=2 lease=2m; voltgate_job default;');
};

subtest 'what is not' => sub {
    bad('voltgate_target a url=https://example.com rate=0;', qr/rate: 0 is not within 1 and 10000/);
    bad('voltgate_target a url=https://example.com rate=many;', qr/rate: many is not/);
    bad('voltgate_target a url=https://example.com timeout=31s;', qr/timeout: 31s is not within 100 and 30000 ms/);
    bad('voltgate_target a url=https://example.com concurrent=65;', qr/concurrent: 65/);
    bad('voltgate_target a url=https://example.com window=21;', qr/window: 21/);
    bad('voltgate_target a url=https://example.com private=maybe;', qr/private: maybe/);
    bad('voltgate_target a url=https://example.com colour=red;', qr/colour: is not known/);
    bad('voltgate_target a url=https://example.com rate;', qr/"rate" is no key=value/);
    bad('voltgate_target a url=https://example.com rate=;', qr/rate: has no value/);
    bad('voltgate_target a rate=1;', qr/"voltgate_target" directive wants a url/);
    bad('voltgate_target a url=ftp://example.com;', qr/http, https, smtp or smtps/);
    bad('voltgate_target a url=https://user:password@example.com;', qr/without user or query/);
    bad('voltgate_target a url=https://example.com/?x=1;', qr/without user or query/);
    bad('voltgate_target a url=smtp://example.com/path;', qr/has a path/);
    bad('voltgate_target a url=smtp://example.com private=off;', qr/private=off/);
    bad('voltgate_target A url=https://example.com;', qr/has a name/);
    bad('voltgate_target a url=https://example.com header=Authorization;', qr/secret_file and header together/);
    bad("voltgate_target a url=https://example.com secret_file=$secret \"header=A: b\";", qr/header: is no name/);
    bad("voltgate_target a url=smtp://example.com secret_file=$secret;", qr/secret_file and user together/);
    bad("voltgate_target a url=https://example.com header=X secret_file=$open;", qr/secret_file: may be read by all/);
    bad("voltgate_target a url=https://example.com header=X secret_file=$two;", qr/secret_file: holds more than one line/);
    bad("voltgate_target a url=https://example.com header=X secret_file=$empty;", qr/secret_file: is empty/);
    bad("voltgate_target a url=https://example.com header=X secret_file=$dir/none;", qr/secret_file: cannot be read/);
    bad("voltgate_target a url=https://example.com ca=$secret;", qr/ca: holds no certificate/);
    bad('voltgate_target_defaults url=https://example.com;', qr/url: is no word of the defaults/);
    bad('voltgate_outbound_private 10.0.0.1/8;', qr/"10\.0\.0\.1\/8" is no network/);
    bad('voltgate_job x lease=10s;', qr/"lease=10s" is not within 50000/);
    bad('voltgate_job x tries=0;', qr/"tries=0" is not within 1/);
    bad('voltgate_job x often=1;', qr/none of tries, concurrent, lease/);
    bad('voltgate_target a url=https://example.com; voltgate_target a url=https://example.com;', qr/is there twice/);
    bad(join(' ', map { "voltgate_target t$_ url=https://example.com;" } 0 .. 64), qr/one too many/);
};

subtest 'no secret is told' => sub {
    my ($status, $out) = says($vg, "voltgate_target a url=https://example.com header=X secret_file=$two;");
    unlike $out, qr/s3cret|\ba\nb\b/;
};

done_testing;

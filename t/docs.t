# /docs: Swagger UI, in a browser that nobody here wrote: it renders each
# operation of /openapi.json, and the policy that it is sent with lets it.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

# [the document when all has come to rest, what the browser logged]
sub browse {
    my ($path) = @_;

    my $folder = tempdir(CLEANUP => 1);
    local $ENV{HOME} = $folder;
    open my $pipe, '-|', 'timeout', '-k', '5', '240', 'sh', '-c', 'exec "$@" 2>"$0"', "$folder/log", 'chromium',
        '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--ignore-certificate-errors',
        "--user-data-dir=$folder/profile", '--enable-logging=stderr', '--virtual-time-budget=20000', '--dump-dom',
        $vg->url($path) or die "chromium: $!";
    my $dom = do { local $/ = undef; <$pipe> };
    close $pipe;
    open my $log, '<', "$folder/log" or die;
    return ($dom, do { local $/ = undef; <$log> });
}

subtest 'what is served' => sub {
    my %type = (
        '/docs'                      => 'text/html',
        '/docs/swagger-ui.css'       => 'text/css',
        '/docs/swagger-ui-bundle.js' => 'text/javascript',
        '/docs/page.js'              => 'text/javascript',
    );
    for my $path (sort keys %type) {
        my $r = $vg->get($path, { 'X-API-Key' => '' });
        is $r->{status}, 200, $path;
        is $r->{headers}{'content-type'}, "$type{$path}; charset=utf-8";
        is $r->{headers}{'x-content-type-options'}, 'nosniff';
        my $policy = $r->{headers}{'content-security-policy'};
        like $policy, qr/^default-src 'none'; script-src 'self';/, 'scripts are ours';
        unlike $policy, qr/unsafe|https?:|\*/, 'nothing is let through';
        like $policy, qr/frame-ancestors 'none'/;
    }
    my $page = $vg->get('/docs')->{body};
    is $vg->get($_)->{body}, $page, $_ for '/swagger-ui.html', '/swagger-ui/index.html', '/docs/';
    unlike $page, qr{(?:src|href)="(?!/docs/|data:,)}, 'nothing of others';
    unlike $page, qr{<script>|<style|\son\w+=|style=}, 'nothing inline';
    for ('/docs/none.js', '/docs/stamp', '/docs/..%2fnginx.pid', '/docs/%2e%2e/nginx.pid', '/docsx') {
        my $r = $vg->get($_);
        is $r->{status}, 404, $_;
        is $r->{headers}{'content-type'}, 'application/problem+json';
    }
};

subtest 'each operation is rendered' => sub {
    my $document = $vg->get('/openapi.json')->{json};
    my $paths    = $document->{paths};
    my @ids = map { my $p = $_; map { "$paths->{$p}{$_}{tags}[0]-$paths->{$p}{$_}{operationId}" } keys %{ $paths->{$p} } }
        sort keys %$paths;
    push @ids, map { 'webhooks-' . $_->{post}{operationId} } values %{ $document->{webhooks} };
    cmp_ok scalar @ids, '>', 20;
    my ($dom, $log) = browse('/docs');
    is_deeply [ grep { $dom !~ /id="operations-\Q$_\E"/ } @ids ], [], 'all of them' or diag substr $dom, 0, 2000;
    is scalar(() = $dom =~ /id="operations-(?!tag-)/g), scalar @ids, 'and no others';
    unlike $log, qr/Content Security Policy|Uncaught|Refused to/, 'the browser had nothing to refuse' or diag $log;
    my @asked = map { $_->{status} } grep { ($_->{route} // '') eq '/openapi.json' } $vg->access_log;
    cmp_ok scalar @asked, '>=', 2, 'it asked the gateway for the document';
};

done_testing;

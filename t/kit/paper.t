# Documents drawn in a thread, on bad days: who leaves meanwhile, a version that
# goes, a worker that stops or dies, more than can wait, fonts that are not there.

use strict;
use warnings;
use utf8;

use Fcntl ();
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Author;
use Voltgate::Cli;
use Voltgate::Conf;
use Voltgate::Wire;

my $json = JSON::PP->new->utf8->canonical;

sub printer {
    my ($version) = @_;
    return {
        'sql/001_none.sql' => "create table printer.none (n bigint not null);\n",
        'plugin.c'         => <<"C" };
#include "vg.h"

static const vg_field_t fields[] = {
    { VG_BODY, "document", VG_ANY, VG_REQUIRED, .about = "what is drawn" },
    { VG_BODY, "name", VG_TEXT, .about = "of the file" },
    VG_FIELDS_END
};

static vg_rc_t draw(vg_call_t *call)
{
    return vg_paper(call, vg_get(call, "document")->raw);
}

static vg_rc_t render(vg_call_t *call)
{
    const vg_json_t *name = vg_get(call, "name");

    return vg_reply_file(call, "application/pdf", name ? name->text : VG_STR("$version.pdf"), vg_drawn(call));
}

static const vg_step_t steps[] = { { "draw", draw }, { 0 } };

static const vg_route_t routes[] = {
    { VG_POST, "/print", NULL, fields, .render = render, .flags = VG_AWAIT | VG_EVERYBODYS, .steps = steps, .about = "Draw it" },
    VG_ROUTES_END
};

const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "printer", .version = "$version", .about = "a test", .routes = routes };
C
}

my $vg = Voltgate->start(own_cluster => 1, authored => { printer => printer('one') });
# a page in 25 ms; some 300 in half a second, of which sanitizers make more
my ($small, $long) = map { document($_) } 1, $ENV{VG_PRELOAD} ? 80 : 800;

sub document {
    my ($rows) = @_;
    return { title => 'a test', blocks => [ { widths => [ 1, 1 ], rows => [ map { [ "row $_", join "\n", ('Львів') x 20 ] } 1 .. $rows ] } ] };
}

sub drawn { my ($document, %more) = @_; return $vg->post('/api/v1/print', { document => $document, %more }) }
sub type  { return ($_[0]{json}{type} // '') =~ s{.*/}{}r }
sub whole { my ($r) = @_; return $r->{status} == 200 && $r->{body} =~ /\A%PDF-.*%%EOF\s*\z/s }

# sent, by a connection of its own, and not waited for
sub asked { return Voltgate::Wire->post($vg, '/api/v1/print', { document => $long }) }

my $first = drawn($small);
ok whole($first), 'a page is drawn' or diag "$first->{status} $first->{body}";
is $first->{headers}{'content-type'}, 'application/pdf';
is $first->{headers}{'content-disposition'}, 'inline; filename="one.pdf"', 'as a file of that name';
is drawn($small, name => "a b\"\r\nX: y/../\x{e4}.pdf")->{headers}{'content-disposition'},
    'inline; filename="a_b___X__y_..___.pdf"', 'a name is made one';
is drawn($small)->{body}, $first->{body}, 'the same bytes each time';

subtest 'what is no document, and one that is too long' => sub {
    for my $document ('x', {}, { blocks => 1 }, { blocks => [ { widths => [], rows => [] } ] }) {
        my $r = drawn($document);
        is_deeply [ $r->{status}, type($r) ], [ 500, 'internal' ], $json->canonical->allow_nonref->encode($document);
    }
    like $vg->log, qr/what was to be drawn is no document/, 'is our bug, and logged';
    my $r = drawn({ blocks => [ { widths => [1], rows => [ ([ 'x' ]) x 20_001 ] } ] });
    is_deeply [ $r->{status}, type($r) ], [ 502, 'answer_too_large' ], 'rows without end' or diag $r->{body};
    $r = drawn({ blocks => [ { widths => [1], rows => [ ([ join "\n", ("x") x 40 ]) x 1_500 ] } ] });
    is_deeply [ $r->{status}, type($r) ], [ 502, 'answer_too_large' ], 'pages without end' or diag $r->{body};
};

subtest 'who asks leaves while it is drawn' => sub {
    my @wires = map { asked() } 1 .. 4;
    undef @wires;
    ok whole(drawn($small)), 'the next is drawn' for 1 .. 4;
};

subtest 'its version goes while it is drawn' => sub {
    my @wires = map { asked() } 1 .. 4;
    my $other = "$vg->{state}/other";
    Voltgate::Author::write_plugin($other, 'printer', printer('two'));
    mkdir "$other/built" or die "$other/built: $!";
    Voltgate::Author::compile($Voltgate::ROOT, $other, 'printer');
    @wires = map { asked() } 1 .. 4;
    my ($status, $out) = cli($vg, plugin => 'reload', 'printer', '--built', "$other/built", '--sources', "$other/plugins");
    is $status, 0, 'another takes over' or diag $out;
    for my $wire (@wires) {
        my $r = $wire->answer(30);
        ok whole($r), 'what was under way is drawn' or diag "$r->{status} $r->{body}";
        like $r->{headers}{'content-disposition'}, qr/(?:one|two)\.pdf/, 'by the version that it began with';
    }
    is drawn($small)->{headers}{'content-disposition'}, 'inline; filename="two.pdf"', 'what comes then by the next';
};

subtest 'its worker stops while it is drawn' => sub {
    my @wires = map { asked() } 1 .. 4;
    my @before = $vg->workers;
    $vg->reload;
    for my $wire (@wires) {
        my $r = $wire->answer(30);
        ok whole($r), 'it is drawn' or diag "$r->{status} $r->{body}";
    }
    undef @wires;
    ok $vg->wait_for(sub { !Voltgate::alive(@before) }, 20), 'then it is gone';
};

subtest 'its worker dies while it is drawn' => sub {
    my @wires = map { asked() } 1 .. 4;
    my @before = $vg->workers;
    $vg->kill_worker($_) for @before;
    ok $vg->wait_for(sub { my %now = map { $_ => 1 } $vg->workers; keys %now == 2 && !grep { $now{$_} } @before }, 10), 'others come';
    my @told = map { $_->answer(10) } @wires;
    my @broken = grep { $_->{status} == 0 || $_->{cut} } @told;
    is @broken + grep({ whole($_) } @told), 4, 'who waited knows';
    ok scalar(@broken), 'or else it was in time';
    delete $vg->{client};
    ok $vg->wait_for(sub { whole(drawn($small)) }, 10), 'and it is drawn';
};

# another folder of fonts, whose files a test makes
my $fonts = "$vg->{state}/fonts";
my @fonts = map { "$_.ttf" } qw(DejaVuSans DejaVuSans-Bold);
mkdir $fonts or die "$fonts: $!";

subtest 'fonts that are not there' => sub {
    my ($status, $out) = says($vg, "voltgate_fonts $vg->{state}/none;");
    isnt $status, 0, 'a folder that is not there';
    like $out, qr/voltgate_fonts .*No such file/;
    $vg->_edit(sub { $_[0] =~ s/^(http \{\n)/$1    voltgate_fonts $fonts;\n/mr });
    $vg->reload;
    my $r = drawn($small);
    is_deeply [ $r->{status}, type($r) ], [ 503, 'unavailable' ], 'one without them' or diag $r->{body};
    like $vg->log, qr/no PDF: fonts are in \Q$fonts\E\?/, 'and the log says where it looked';
};

subtest 'a disk that hangs, and more than can wait' => sub {
    POSIX::mkfifo("$fonts/$_", 0644) or die "$_: $!" for @fonts;    # who opens one waits
    my $began = time;
    my @wires = map { asked() } 1 .. 100;
    my %told;
    $told{ type($_->answer(30)) }++ for @wires;
    my $took = time - $began;
    is_deeply [ sort keys %told ], [qw(busy overdue)], 'each is told' or diag explain \%told;
    cmp_ok $told{overdue}, '<=', 66, 'no more wait than there are places';
    cmp_ok $told{busy}, '>=', 34, 'the others come again';
    cmp_ok $took, '<', 20, 'nobody waits longer than 10 s';
    for (@fonts) {
        unlink "$fonts/$_.was";
        rename "$fonts/$_", "$fonts/$_.was" or die "$_: $!";
        symlink "/usr/share/fonts/truetype/dejavu/$_", "$fonts/$_" or die "$_: $!";
    }
    # who reads them reads nothing, and then what is there now
    $began = time;
    ok $vg->wait_for(sub {
        for (@fonts) { sysopen my $end, "$fonts/$_.was", Fcntl::O_WRONLY() | Fcntl::O_NONBLOCK() }
        return whole(drawn($small));
    }, 10), 'the disk is there again';
    ok whole(drawn($small)), 'and it is drawn' for 1 .. 4;
    cmp_ok time - $began, '<', 3, 'what nobody waited for any more was not';
};

done_testing;

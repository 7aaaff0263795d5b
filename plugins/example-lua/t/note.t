# Notes: kept, found again, and shown to nobody else.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $api = '/api/v1/example';
my %as  = map { $_ => { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $_) } } qw(ann ben);

my $note = $vg->post($api, { text => 'oil the gate' }, $as{ann});
is $note->{status}, 201;
is $note->{json}{text}, 'oil the gate';

is_deeply $vg->get("$api/$note->{json}{id}", $as{ann})->{json}, $note->{json}, 'it is found again';
is_deeply $vg->get($api, $as{ann})->{json}{items}, [ $note->{json} ], 'and listed';

is $vg->get("$api/$note->{json}{id}", $as{ben})->{status}, 404, 'by who wrote it alone';
is_deeply $vg->get($api, $as{ben})->{json}{items}, [];

my $empty = $vg->post($api, { text => '' }, $as{ann});
is $empty->{status}, 400;
ok $empty->{json}{errors}{text}, 'what is wrong is said';

ok $vg->wait_for(sub {
    $vg->sql(q{select payload->>'noteId' from vg.event where type = 'example.created.v1'}) eq $note->{json}{id};
}), 'and it was told';

done_testing;

# voltgate_relay in the conf, and `voltgate relay` by hand: what is taken, and
# what is refused with its reason.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Cli;
use Voltgate::Conf;

my $vg = Voltgate->start(plugins => [qw(accounts stations)]);
my $file = put($vg, 'secret', '');

my $rabbit = 'voltgate_relay rabbitmq amqps://me@broker/vhost';
my $kafka  = 'voltgate_relay kafka one:9092,two:9092';

subtest 'good lines' => sub {
    for my $lines ([ "$rabbit password_file=$file;" ], ["$rabbit password_file=$file ca=$file window=50 from=end;"],
        [ "$kafka;", "$rabbit password_file=$file;" ], [ "$kafka tls=on user=me password_file=$file sasl=PLAIN;" ],
        [ "$kafka;", "$kafka name=second;" ])
    {
        my ($status, $said) = says($vg, join "\n", @$lines);
        is $status, 0, "@$lines" or diag $said;
    }
};

subtest 'lines that are refused' => sub {
    for my $case (
        [ 'voltgate_relay rabbitmq;'                         => qr/invalid number of arguments/ ],
        [ 'voltgate_relay nats nats://broker;'               => qr/wants rabbitmq or kafka/ ],
        [ 'voltgate_relay rabbitmq amqps://me:secret@broker/v;' => qr/password in its address: password_file=/ ],
        [ "$rabbit password_file=/not/there;"                => qr{"/not/there" of voltgate_relay} ],
        [ "$rabbit colour=blue;"                             => qr/knows password_file, ca,/ ],
        [ "$rabbit window=;"                                 => qr/knows password_file, ca,/ ],
        [ "$kafka tls=off;"                                  => qr/tls=on alone/ ],
        [ "$kafka;\n$kafka;"                                 => qr/is there twice: name=/ ])
    {
        my ($line, $why) = @$case;
        my ($status, $said) = says($vg, $line);
        isnt $status, 0, $line;
        like $said, $why, '... and says why';
    }
};

subtest 'by hand' => sub {
    my ($status, $said) = cli($vg, 'relay', '--help');
    is $status, 0, 'it tells how';
    like $said, qr/voltgate relay rabbitmq amqps:.*--password-file.*--window/s;
    for my $case (
        [ []                                              => 2, qr/voltgate relay kafka/ ],
        [ ['nats']                                        => 2, qr/voltgate relay kafka/ ],
        [ [qw(rabbitmq --window)]                         => 2, qr/requires an argument/ ],
        [ [qw(rabbitmq)]                                  => 1, qr/needs one address/ ],
        [ [qw(rabbitmq amqps://me:secret@broker/v)]       => 1, qr/a user and no password/ ],
        [ [qw(rabbitmq amqps://broker/v)]                 => 1, qr/a user and no password/ ],
        [ [qw(rabbitmq http://me@broker)]                 => 1, qr/begins with amqps/ ],
        [ [qw(rabbitmq amqps://me@broker/v --window 0)]   => 1, qr/from 1 to 100000/ ],
        [ [qw(rabbitmq amqps://me@broker/v --window 9x)]  => 1, qr/from 1 to 100000/ ],
        [ [qw(rabbitmq amqps://me@broker/v --from now)]   => 1, qr/start or end/ ],
        [ [qw(rabbitmq amqps://me@broker/v --name A'B)]   => 1, qr/a-z, 0-9/ ],
        [ [qw(rabbitmq amqps://me@broker/v --tls)]        => 1, qr/is of kafka/ ],
        [ [qw(kafka a:1 --user me)]                       => 1, qr/go together/ ],
        [ [ 'kafka', "a:1\nssl.x=y" ]                     => 1, qr/not HOST:PORT/ ],
        [ [qw(kafka a:1)]                                 => 1, qr/DATABASE_URL is not set/ ])
    {
        my ($words, $wanted, $why) = @$case;
        local $vg->{opts}{env} = { DATABASE_URL => "@$words" eq 'kafka a:1' ? '' : 'dbname=nowhere' };
        ($status, $said) = cli($vg, 'relay', @$words);
        is $status, $wanted, "@$words";
        like $said, $why, '... and says why';
        unlike $said, qr/secret/, '... without what it was given';
    }
};

done_testing;

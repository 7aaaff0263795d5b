package Voltgate::Audit;

# The audit trail of a test's gateway: its rows, its seals; and the format of
# both as nginx-modules/audit/README.md has it, computed by other hands.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use Exporter qw(import);

our @EXPORT = qw(rows_of sealed hash_of_row hash_of_seal verify);

# rows_of($vg, "column = value" …): as hashes, in order
sub rows_of {
    my ($vg, $where, @values) = @_;
    return $vg->rows('select a.* from vg.audit a where ' . ($where // 'true') . ' order by a.id', @values);
}

# until each row that is there now has a seal
sub sealed {
    my ($vg, $seconds) = @_;
    my $last = $vg->sql('select max(a.id) from vg.audit a') // return 1;
    return $vg->wait_for(sub {
        $vg->sql('select not exists (select from vg.audit a where a.id <= $1 and a.xid >= (
            select coalesce(max(s.to_xid), \'0\') from vg.audit_seal s))', $last);
    }, $seconds // 15);
}

sub _part {
    my ($value) = @_;
    return '-' if !defined $value;
    utf8::encode($value) if utf8::is_utf8($value);
    return length($value) . ":$value";
}

my @ROW  = qw(id xid us caller_id caller_role company_id route object status error calls correlation_id address node plugin);
my @SEAL = qw(number floor_id from_xid to_xid last_id rows first_us last_us sealed_us digest before);

sub hash_of_row  { my ($row) = @_;  return sha256(join '', map { _part($row->{$_}) } @ROW) }
sub hash_of_seal { my ($seal) = @_; return sha256_hex(join '', map { _part($seal->{$_}) } @SEAL) }

# What is wrong with the trail, as lines; all of it in memory.
sub verify {
    my ($vg) = @_;

    my @rows = $vg->rows('select a.*, (extract(epoch from a.at) * 1000000)::bigint as us from vg.audit a order by a.xid, a.id');
    my @seals = $vg->rows(q{select number, floor_id, from_xid, to_xid, last_id, rows, encode(digest, 'hex') as digest,
        encode(hash, 'hex') as hash, encode(leaves, 'hex') as leaves,
        (extract(epoch from first_at) * 1000000)::bigint as first_us, (extract(epoch from last_at) * 1000000)::bigint as last_us,
        (extract(epoch from sealed_at) * 1000000)::bigint as sealed_us from vg.audit_seal order by number});
    my ($before, $number) = ('00' x 32, 0);
    my @wrong = map { "row $_->{id} can be of no seal" } grep { $_->{id} <= 0 } @rows;
    for my $seal (@seals) {
        $seal->{before} = $before;
        my @own = grep { $_->{id} > $seal->{floor_id} && $_->{xid} >= $seal->{from_xid} && $_->{xid} < $seal->{to_xid} } @rows;
        my @hashes = map { hash_of_row($_) } @own;
        push @wrong, "seal $seal->{number} is not the next" if $seal->{number} != ++$number;
        push @wrong, "seal $seal->{number} counts wrong" if @own != $seal->{rows};
        push @wrong, "seal $seal->{number} has another digest" if sha256_hex(join '', @hashes) ne $seal->{digest};
        push @wrong, "seal $seal->{number} has other leaves"
            if unpack('H*', join '', map { pack('q>', $own[$_]{id}) . substr $hashes[$_], 0, 8 } 0 .. $#own) ne $seal->{leaves};
        push @wrong, "seal $seal->{number} has another hash" if hash_of_seal($seal) ne $seal->{hash};
        $before = $seal->{hash};
    }
    return @wrong;
}

1;

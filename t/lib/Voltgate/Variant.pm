package Voltgate::Variant;

# Another version of a plugin, made of its sources with something replaced,
# in folders of its own.
#
#   my $v = Voltgate::Variant->new($vg, 'stations', 'plugin.c' => sub { s/"0.1.0"/"0.2.0"/ });
#   cli($vg, plugin => 'reload', 'stations', $v->options);

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path     qw(make_path);

my $count = 0;

sub new {
    my ($class, $vg, $name, %edits) = @_;

    my $self = bless { name => $name, folder => "$vg->{state}/variant." . ++$count }, $class;
    my $from = "$Voltgate::ROOT/plugins/$name";
    make_path("$self->{folder}/built", "$self->{folder}/plugins");
    system('cp', '-r', $from, "$self->{folder}/plugins/") == 0 or die "cp: $?\n";
    $self->edit($_ => $edits{$_}) for sort keys %edits;
    $self->build($vg);
    return $self;
}

# the file's text is $_; what is not there is made
sub edit {
    my ($self, $file, $sub) = @_;

    my $path = "$self->{folder}/plugins/$self->{name}/$file";
    make_path(dirname($path));
    local $_ = -e $path ? _read($path) : '';
    my $was = $_;
    $sub->();
    die "$file: the edit changes nothing\n" if $_ eq $was;
    open my $out, '>', $path or die "$path: $!";
    print {$out} $_;
    close $out or die "$path: $!";
    return;
}

sub build {
    my ($self, $vg) = @_;

    return if -e "$self->{folder}/plugins/$self->{name}/plugin.lua";
    system('gcc', '-shared', '-fPIC', '-O1', '-fvisibility=hidden', '-Wl,-Bsymbolic',
        '-iquote', "$Voltgate::ROOT/nginx-modules/core",
        '-o', "$self->{folder}/built/$self->{name}.so",
        glob "$self->{folder}/plugins/$self->{name}/*.c") == 0 or die "gcc: $?\n";
    return;
}

sub options {
    my ($self) = @_;
    return ('--built', "$self->{folder}/built", '--sources', "$self->{folder}/plugins");
}

sub _read {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/ = undef;
    return scalar <$in>;
}

1;

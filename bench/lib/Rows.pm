package Rows;

# How rows come about. A group is a set of variants, each measured once in
# every round, in turn and in alternating order; its rows compare two variants
# round by round. An answer other than the expected ones ends the run.

use strict;
use warnings;

use parent 'Exporter';

use File::Path qw(make_path);
use File::Spec::Functions qw(rel2abs);
use Report;

our @EXPORT = qw($BUILD $ROUNDS $DIR write_lines wanted interleave compare);

our $BUILD  = rel2abs($ENV{BUILD} // 'build');
our $ROUNDS = $ENV{ROUNDS} // 5;
our $DIR    = "$BUILD/bench";

my $ONLY = $ENV{ONLY} // '.';

make_path($DIR);

sub write_lines {
    my ($name, @lines) = @_;
    my $path = "$DIR/$name";
    open my $fh, '>', $path or die "$path: $!\n";
    print {$fh} "$_\n" for @lines;
    close $fh or die "$path: $!\n";
    return $path;
}

sub wanted {
    my (@rows) = @_;
    return scalar grep { /$ONLY/ } @rows;
}

# Measure every variant (name => sub) once a round; { name => [results] }.
sub interleave {
    my ($rounds, %variant) = @_;
    my @names = sort keys %variant;
    my %results;
    for my $round (1 .. $rounds) {
        for my $name ($round % 2 ? @names : reverse @names) {
            my $r = $variant{$name}->();
            die "$name: $r->{bad} of $r->{requests} answers were not as expected\n" if $r->{bad};
            push @{ $results{$name} }, $r;
        }
    }
    return \%results;
}

# A row from two variants, if asked for.
sub compare {
    my ($results, $name, $ours, $theirs, %more) = @_;
    return if !wanted($name);
    Report::row(name => $name, ours => $results->{$ours},
        ($theirs ? (theirs => $results->{$theirs}, against => $theirs) : ()), %more);
    return;
}

1;

package Exposition;

# Prometheus's text format 0.0.4, read strictly: what promtool would refuse,
# this refuses, too.
#
#   my $page = Exposition->new($text);       # dies with the line that is wrong
#   $page->value('twocare_x_total', zone => 'a');    # undef: no such sample
#   $page->sum('twocare_x_total', zone => 'a');      # of all that have the label
#   $page->names; $page->label_names;

use strict;
use warnings;

my $NUMBER = qr/[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN/;

sub new {
    my ($class, $text) = @_;
    my $self = bless { samples => {}, types => {}, labels => {}, order => [] }, $class;
    die "the page does not end with a line\n" if $text !~ /\n\z/;
    my ($now, %done) = ('');
    for my $line (split /\n/, $text) {
        if ($line =~ /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/) {
            my ($what, $name, $rest) = ($1, $2, $3);
            die "$line: this metric was there before\n" if $done{$name} && $name ne $now;
            die "$line: twice\n" if $self->{ lc $what }{$name}++;
            $now = $name;
            $done{$name} = 1;
            push @{ $self->{order} }, $name if $what eq 'HELP';
            $self->check_type($name, $rest) if $what eq 'TYPE';
            next;
        }
        $self->sample($line, $now);
    }
    for my $name (@{ $self->{order} }) {
        die "$name: without TYPE\n" if !$self->{types}{$name};
        $self->check_histogram($name) if $self->{types}{$name} eq 'histogram';
    }
    return $self;
}

sub check_type {
    my ($self, $name, $type) = @_;
    die "$name: unknown type $type\n" if $type !~ /^(counter|gauge|histogram)$/;
    die "$name: a counter ends in _total\n" if ($type eq 'counter') != ($name =~ /_total$/);
    die "$name: not a base unit\n" if $name =~ /_(ms|us|ns|milliseconds|microseconds|kilobytes|minutes|hours|percent)(_|$)/;
    $self->{types}{$name} = $type;
    return;
}

sub sample {
    my ($self, $line, $now) = @_;
    my ($name, $labels, $value) = $line =~ /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ($NUMBER)$/
      or die "not a sample: $line\n";
    my $base = $name;
    $base =~ s/_(bucket|sum|count)$// if ($self->{types}{$now} // '') eq 'histogram';
    die "$line: outside of its metric ($now)\n" if $base ne $now || !$self->{types}{$now};
    my %labels;
    if (defined $labels) {
        while ($labels =~ s/^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=.)|$)//) {
            die "$line: label $1 twice\n" if exists $labels{$1};
            $labels{$1} = $2;
            $self->{labels}{$1}{$2}++;
        }
        die "$line: broken labels\n" if length $labels;
    }
    die "$line: negative\n" if $value =~ /^-/ && $self->{types}{$now} ne 'gauge';
    my $key = join ',', map { "$_=$labels{$_}" } sort keys %labels;
    die "$line: twice\n" if $self->{seen}{"$name,$key"}++;
    push @{ $self->{samples}{$name} }, { labels => \%labels, value => $value };
    return;
}

# Buckets grow with le, the last is +Inf and equals _count, and there is a _sum.
sub check_histogram {
    my ($self, $name) = @_;
    my %series;
    for my $s (@{ $self->{samples}{"${name}_bucket"} // [] }) {
        my %rest = %{ $s->{labels} };
        my $le = delete $rest{le} // die "$name: a bucket without le\n";
        push @{ $series{ join ',', map { "$_=$rest{$_}" } sort keys %rest } }, [ $le, $s->{value}, \%rest ];
    }
    for my $buckets (values %series) {
        my ($last_le, $last) = ('-Inf', 0);
        for (@$buckets) {
            die "$name: le=$_->[0] after $last_le\n" if $last_le ne '-Inf' && $_->[0] ne '+Inf' && $_->[0] <= $last_le;
            die "$name: le=$_->[0] shrinks\n" if $_->[1] < $last;
            ($last_le, $last) = @$_;
        }
        die "$name: the last bucket is $last_le\n" if $last_le ne '+Inf';
        my $count = $self->value("${name}_count", %{ $buckets->[0][2] });
        die "$name: _count is not the last bucket\n" if !defined $count || $count != $last;
        die "$name: without _sum\n" if !defined $self->value("${name}_sum", %{ $buckets->[0][2] });
    }
    return;
}

sub matching {
    my ($self, $name, %labels) = @_;
    return grep {
        my $s = $_;
        !grep { ($s->{labels}{$_} // '') ne $labels{$_} } keys %labels
    } @{ $self->{samples}{$name} // [] };
}

sub value {
    my ($self, @which) = @_;
    my @found = $self->matching(@which);
    return @found == 1 ? $found[0]{value} : undef;
}

sub sum {
    my ($self, @which) = @_;
    my $sum = 0;
    $sum += $_->{value} for $self->matching(@which);
    return $sum;
}

sub names       { return @{ $_[0]{order} } }
sub label_names { return sort keys %{ $_[0]{labels} } }
sub samples     { my ($self, $name) = @_; return @{ $self->{samples}{$name} // [] } }

1;

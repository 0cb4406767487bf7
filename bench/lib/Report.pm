package Report;

# Rows of measurements: a table for people, JSON for programs.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(min max);

my %rows;
my @order;

sub median {
    my @v = sort { $a <=> $b } @_;
    return undef if !@v;
    return @v % 2 ? $v[ $#v / 2 ] : ($v[ @v / 2 - 1 ] + $v[ @v / 2 ]) / 2;
}

# A row: name, ours and theirs (lists of results, pair by pair), what they are
# called, of => 'rate' or 'cpu_us', floor or ceiling, aim, added_us (most
# microseconds of CPU that ours may cost above theirs), unit.
sub row {
    my (%row) = @_;
    $row{of}   //= 'rate';
    $row{unit} //= $row{of} eq 'rate' ? '/s' : ' us';
    my @ours   = @{ $row{ours} };
    my @theirs = @{ $row{theirs} // [] };
    my @ratio  = map { $ours[$_]{ $row{of} } / ($theirs[$_]{ $row{of} } || 1) } 0 .. $#theirs;
    my %out    = (
        row    => $row{name},
        ours   => median(map { $_->{ $row{of} } } @ours),
        unit   => $row{unit},
        cpu_us => median(map { $_->{cpu_us} } @ours),
        max_ms => max(map { $_->{max_ms} // 0 } @ours),
        bad    => 0,
        parts  => { map { my $part = $_; $part => median(map { $_->{parts}{$part} } @ours) } keys %{ $ours[0]{parts} // {} } },
        map { $_ => $row{$_} } grep { defined $row{$_} } qw(floor ceiling aim against note),
    );
    $out{bad} += $_->{bad} for @ours, @theirs;
    if (@ratio) {
        $out{theirs}     = median(map { $_->{ $row{of} } } @theirs);
        $out{their_cpu_us} = median(map { $_->{cpu_us} } @theirs);
        $out{ratio}      = median(@ratio);
        $out{ratio_min}  = min(@ratio);
        $out{ratio_max}  = max(@ratio);
        $out{ok}         = JSON::PP::true;
        $out{ok} = JSON::PP::false if defined $row{floor}   && $out{ratio} < $row{floor};
        $out{ok} = JSON::PP::false if defined $row{ceiling} && $out{ratio} > $row{ceiling};
    }
    if (defined $row{added_us}) {
        $out{added_us} = median(map { $ours[$_]{cpu_us} - $theirs[$_]{cpu_us} } 0 .. $#theirs);
        $out{added_us_most} = $row{added_us};
        $out{ok} = JSON::PP::false if $out{added_us} > $row{added_us};
    }
    push @order, $row{name} if !$rows{ $row{name} };
    $rows{ $row{name} } = \%out;
    print line(\%out);
    return \%out;
}

sub number {
    my ($n) = @_;
    return '-' if !defined $n;
    return sprintf $n >= 100 ? '%.0f' : '%.1f', $n;
}

sub verdict {
    my ($r) = @_;
    return '' if !defined $r->{ratio} || !grep { defined $r->{$_} } qw(floor ceiling added_us);
    return $r->{ok} ? 'ok' : 'MISS';
}

sub bound {
    my ($r) = @_;
    return defined $r->{floor} ? ">=$r->{floor}" : defined $r->{ceiling} ? "<=$r->{ceiling}" : '-';
}

sub line {
    my ($r) = @_;
    my $ratio = defined $r->{ratio}
      ? sprintf('%.2f [%.2f-%.2f]', @$r{qw(ratio ratio_min ratio_max)}) : '-';
    my $cpu = number($r->{cpu_us});
    $cpu .= ' (' . join(' ', map { "$_ " . number($r->{parts}{$_}) } sort keys %{ $r->{parts} }) . ')'
      if keys %{ $r->{parts} } > 1;
    $cpu .= ', against ' . number($r->{their_cpu_us}) if defined $r->{their_cpu_us};
    $cpu .= sprintf ', added %.1f (<=%g)', @$r{qw(added_us added_us_most)} if defined $r->{added_us};
    return sprintf "%-34s %10s %10s  %-17s %7s %5s  %-5s %s\n", $r->{row},
      number($r->{ours}) . $r->{unit}, number($r->{theirs}), $ratio, bound($r), $r->{aim} // '-',
      verdict($r), $cpu;
}

sub head {
    return sprintf "%-34s %10s %10s  %-17s %7s %5s  %-5s %s\n", 'row', 'ours', 'against',
      'ratio [min-max]', 'floor', 'aim', '', 'CPU us/request of the servers';
}

sub table { return join '', head(), map { line($rows{$_}) } @order }

sub misses { return grep { verdict($rows{$_}) eq 'MISS' } @order }

sub write_json {
    my ($path, %about) = @_;
    open my $fh, '>', $path or die "$path: $!\n";
    print {$fh} JSON::PP->new->canonical->pretty->encode({ %about, rows => [ map { $rows{$_} } @order ] });
    close $fh or die "$path: $!\n";
    return;
}

1;

package ConnectionRows;

# Many connections: idle ones beside the load, and many busy ones.

use strict;
use warnings;

use POSIX ();

use IO::Select;
use IO::Socket::INET;

use Fill;
use Load;
use Rows;

my $IDLE = 10_000;
my $BUSY = 1_000;

my @ROWS = ('GET beside 10,000 idle connections', '1,000 busy connections: p99 / p50');

sub rows { return @ROWS }

sub run {
    my ($x) = @_;
    idle($x) if wanted($ROWS[0]);
    busy($x) if wanted($ROWS[1]);
    return;
}

# Open so many connections in a child, each used once and kept, while
# $during->() runs; what it returns.
sub beside {
    my ($url, $path, $token, $during) = @_;
    my ($address) = $url =~ m{//([^/]+)};
    pipe my $ready, my $say or die "pipe: $!\n";
    pipe my $hold,  my $go  or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $go;
        my @held = eval { map { used($address, $path, $token) } 1 .. $IDLE };
        syswrite $say, @held == $IDLE ? "ok\n" : "$@\n";
        sysread $hold, my $end, 1;
        my $cut = grep { IO::Select->new($_)->can_read(0) } @held;
        POSIX::_exit($cut ? 1 : 0);
    }
    close $_ for $say, $hold;
    my $said = <$ready> // "the holder ended\n";
    die "idle connections: $said" if $said ne "ok\n";
    my $result = $during->();
    close $go;
    waitpid $pid, 0;
    $result->{bad} += 1 if $?;
    return $result;
}

sub used {
    my ($address, $path, $token) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => $address, Timeout => 10) or die "connect: $!\n";
    print {$sock} "GET $path HTTP/1.1\r\nHost: bench.test\r\nAuthorization: Bearer $token\r\n\r\n";
    my $got = '';
    while ($got !~ /\r\n\r\n(.*)\z/s || length $1 < ($got =~ /^content-length: (\d+)/im)[0]) {
        sysread $sock, $got, 65_536, length $got or die "no answer: $!\n";
    }
    $got =~ m{^HTTP/1.1 200 } or die 'answered ' . substr($got, 0, 60) . "\n";
    return $sock;
}

sub idle {
    my ($x) = @_;
    my %get = (url => $x->{http}, paths => observation_paths('/v3/fhir'), tokens => $x->{tokens},
        servers => $x->{instance}->servers);
    my $r = interleave($ROUNDS,
        alone => sub { Load::http(%get) },
        idle  => sub { beside($x->{http}, '/v3/fhir/Observation/1', $x->{token}, sub { Load::http(%get) }) },
    );
    compare($r, $ROWS[0], 'idle', 'alone', of => 'cpu_us', ceiling => 1.15);
    return;
}

sub busy {
    my ($x) = @_;
    my %get = (url => $x->{http}, paths => observation_paths('/v3/fhir'), tokens => $x->{tokens},
        servers => $x->{instance}->servers, connections => $BUSY);
    my $r = interleave($ROUNDS, busy => sub { Load::http(%get) });
    my %quantile = map {
        my $q = $_;
        $q => [ map { { %$_, latency => $_->{"${q}_ms"} } } @{ $r->{busy} } ];
    } qw(p50 p99);
    compare(\%quantile, $ROWS[1], 'p99', 'p50', of => 'latency', unit => ' ms', ceiling => 5);
    return;
}

1;

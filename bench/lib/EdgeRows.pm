package EdgeRows;

# The edge alone: what its tokens, limits and headers add to nginx.

use strict;
use warnings;

use Load;
use Peer;
use Rows;

my $CONNECTIONS = 32;

my @EDGE_ROWS = ('edge: cached token, limits, headers', 'edge: 2,000 tokens of 500 clients',
    'edge before FastCGI', 'edge: a 429 (CPU)', 'edge: uncached RS256 / EVP');

# Far more than the smallest zone, or a worker by itself (8,192 each), remembers: none is met again in time.
my $FORGOTTEN = 32_000;

# Microseconds of CPU that a verification may cost above OpenSSL's own.
my $OVER_EVP_US = 5;

sub rows { return @EDGE_ROWS }

sub run {
    cached()   if wanted(@EDGE_ROWS[0 .. 3]);
    uncached() if wanted($EDGE_ROWS[4]);
    return;
}

sub cached {
    my $peer = Peer->new(clients => [ (map { "many-$_:0:0" } 1 .. 500), 'one-1:0:0', 'spent-1:1:1' ]);
    my %tokens = (
        one   => $peer->tokens('one', 200, 1),
        many  => $peer->tokens('many', 2000, 500),
        spent => $peer->tokens('spent', 200, 1),
    );
    # The echo would repeat what the edge has told it: both answers are of one size.
    my %paths = map { $_ => write_lines("path-$_", '/' . ($_ =~ s/-/\//r) . (/echo/ ? '?size=1000' : '')) }
      qw(bare edge echo edge-echo);
    my $get = sub {
        my ($path, $tokens, %more) = @_;
        return sub {
            $peer->touch;
            return Load::http(url => $peer->bare, paths => $paths{$path}, tokens => $tokens,
                connections => $CONNECTIONS, servers => $peer->servers, %more);
        };
    };
    my %variant = (
        bare      => $get->('bare',      $tokens{one}),
        edge      => $get->('edge',      $tokens{one}),
        many      => $get->('edge',      $tokens{many}),
        echo      => $get->('echo',      $tokens{one}),
        edge_echo => $get->('edge-echo', $tokens{one}),
        spent     => $get->('edge-echo', $tokens{spent}, refused => 1),
    );
    # The one request that the spent client has.
    Load::http(url => $peer->bare, paths => $paths{edge}, tokens => $tokens{spent}, seconds => 1);
    my $r = interleave($ROUNDS, %variant);
    compare($r, $EDGE_ROWS[0], 'edge', 'bare', floor => 0.80, added_us => 3);
    compare($r, $EDGE_ROWS[1], 'many', 'bare', floor => 0.80, added_us => 3);
    compare($r, $EDGE_ROWS[2], 'edge_echo', 'echo', floor => 0.95);
    compare($r, $EDGE_ROWS[3], 'spent', 'edge_echo', of => 'cpu_us', ceiling => 1);
    return;
}

# Microseconds of CPU of one RS256 verification, as OpenSSL measures itself.
sub evp_us {
    my $out = Load::capture('openssl', 'speed', '-seconds', '1', 'rsa2048');
    my ($each) = $out =~ m{^rsa 2048 bits\s+\S+\s+\S+\s+\S+\s+([\d.]+)}m or die "openssl said:\n$out";
    return 1e6 / $each;
}

sub uncached {
    my $peer   = Peer->new(clients => ['one-1:0:0'], zone => '1m');
    my $tokens = $peer->tokens('one', $FORGOTTEN, 1);
    my %get    = map {
        my $paths = write_lines("path-$_", "/$_");
        $_ => sub {
            $peer->touch;
            return Load::http(url => $peer->bare, paths => $paths, tokens => $tokens,
                connections => $CONNECTIONS, servers => $peer->servers);
        };
    } qw(bare edge);
    my $evp = sub {
        my $us = evp_us();
        return { rate => 1e6 / $us, requests => 1, bad => 0, cpu_us => $us, added_us => $us };
    };
    my $r = interleave($ROUNDS, %get, evp => $evp);
    my @added = map { { %{ $r->{edge}[$_] }, cpu_us => $r->{edge}[$_]{cpu_us} - $r->{bare}[$_]{cpu_us} } } 0 .. $ROUNDS - 1;
    compare({ added => \@added, evp => $r->{evp} }, $EDGE_ROWS[4], 'added', 'evp', of => 'cpu_us', added_us => $OVER_EVP_US);
    return;
}

1;

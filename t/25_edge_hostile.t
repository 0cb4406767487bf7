# Two thousand changed tokens and two thousand changed requests: the right error
# for each, and nothing of it is seen by those who behave. A good client pays
# for what it was served and for nothing else; what was verified stays verified.
#
# BAD_INPUT_SEED sets another run, and with a module built with sanitizers
# (TWOCARE_MODULE, NGINX_PRELOAD) these look on.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Exposition;
use Hostile;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;

my $SEED     = $ENV{BAD_INPUT_SEED} // 20260117;
my $TOKENS   = 2000;
my $REQUESTS = 2000;

# Each has a limit of its own, by which its answers are known.
my %LIMIT = (app_good => 700_001, app_whole => 700_002, app_broken => 700_003);

# A request that lacks bytes ends when we hang up, after so long.
my $PATIENCE_S = 0.05;

srand $SEED;
my $edge = Edge->new(
    workers => 2, limit_address => '800000 800000',
    clients => [ map { "$_:$LIMIT{$_}:$LIMIT{$_}" } sort keys %LIMIT ],
    extra   => 'location = /status { twocare_status; }',
);
{
    package Place;
    sub env { return "http://127.0.0.1:$edge->{port}" }
}
my $enemy = Hostile->new(bless {}, 'Place');

sub pick { return $_[ rand @_ ] }
sub status { return Exposition->new($edge->get('/status?format=prometheus')->{body}) }
sub left { my ($token) = @_; return $edge->get('/v3/x', token => $token)->{headers}{'x-ratelimit-remaining'} }

# --- tokens -------------------------------------------------------------------------

# Base64url's alphabet and some that are not in it.
my @CHARS = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my @STRANGE = ('=', '+', '/', ',', '%', "\x80", "\xff", '~', '"', '.');

# Words of $twocare_status that a change may lead to. A header or payload that
# was changed by a bit may fail by its form, its meaning, or its signature.
my @HEADER  = qw(malformed algorithm type critical unknown_key bad_signature);
my @PAYLOAD = qw(malformed bad_claim wrong_issuer wrong_audience expired not_yet bad_signature);
my %MAY_BE  = (
    0     => \@HEADER, 1 => \@PAYLOAD, 2 => [qw(malformed bad_signature)],
    bytes => [qw(malformed)], cut => [qw(malformed bad_signature)], shape => [qw(malformed)],
    large => [qw(token_too_large)], mixed => [ @HEADER, @PAYLOAD ],
);

sub flip_bit {
    my ($n, @part) = @_;
    my $raw = decode_base64url($part[$n]);
    my $bit = int rand 8 * length $raw;
    substr $raw, $bit >> 3, 1, chr(ord(substr $raw, $bit >> 3, 1) ^ 1 << ($bit & 7));
    $part[$n] = encode_base64url($raw);
    return ($n, join '.', @part);
}

sub swap_char {
    my ($n, @part) = @_;
    my $at = int rand length $part[$n];
    my $was = substr $part[$n], $at, 1;
    substr $part[$n], $at, 1, pick(grep { $_ ne $was } @CHARS);
    return ($n, join '.', @part);
}

sub change_token {
    my ($token, $other) = @_;
    my @part = split /\./, $token;
    my @alien = split /\./, $other;
    return pick(
        (sub { flip_bit(int rand 3, @part) }) x 6, (sub { swap_char(int rand 3, @part) }) x 6,
        sub { my $at = int rand length $token; substr $token, $at, 1, pick(@STRANGE); return ('bytes', $token) },
        sub { return ('cut', substr $token, 0, 1 + rand(length($token) - 1)) },
        sub { return ('shape', join '.', @part[ @{ pick([ 0, 1 ], [0], [ 0, 1, 2, 2 ], [ 0, 0, 1, 1, 2 ]) } ]) },
        sub { return ('mixed', join '.', @{ pick([ $part[0], $alien[1], $part[2] ], [ $part[0], $part[1], $alien[2] ], [ $alien[0], @part[ 1, 2 ] ], [ @part[ 1, 0, 2 ] ]) }) },
        sub { return ('large', $token . 'A' x (7169 - length($token) + rand 1000)) },
        sub { return ('shape', pick('.' x (1 + rand 40), 'x', 'null', '{}')) },
    )->();
}

my %good = map { $_ => $edge->mint(client_id => $_) } sort keys %LIMIT;
my @kept = ($good{app_good}, map { $edge->mint(client_id => "app_kept_$_", -key => pick(qw(RS256 ES256))) } 1 .. 20);
my ($rs, $es) = ($edge->mint, $edge->mint(-key => 'ES256'));
for (1 .. 8) { is $edge->get('/v3/x', token => $_)->{status}, 200, 'a good token, before' for @kept, values %good }
my $before = status();
my $good   = left($good{app_good});
my $address = $edge->get('/v3/x')->{headers}{'x-ratelimit-remaining'};

my (%expected, %got, $wrong, $drift);
for my $i (1 .. $TOKENS) {
    my ($what, $token) = change_token($i % 2 ? ($rs, $es) : ($es, $rs));
    my $bytes = "GET /v3/x HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\nAuthorization: Bearer $token\r\n\r\n";
    my $answer = $enemy->send($bytes);
    my @faults = $enemy->judge($answer, 'json');
    $got{ $answer->{status} // 'closed' }++;
    push @faults, 'no challenge' if ($answer->{headers}{'www-authenticate'} // '') !~ /^Bearer realm="2care", error="invalid_token"/;
    push @faults, 'counted to somebody' if ($answer->{headers}{'x-ratelimit-limit'} // '') ne '800000';
    push @faults, 'not 401' if ($answer->{status} // 0) != 401;
    diag "token $i ($what): @faults: $answer->{text}" if @faults && ++$wrong < 10;
    $expected{ $answer->{headers}{'x-request-id'} // '-' } = $what;
    # Meanwhile somebody works.
    next if $i % 40;
    my $now = left($good{app_good});
    $drift++ if $now != --$good;
}
ok !$wrong, "$TOKENS changed tokens: 401 of the right form each" or diag explain \%got;
ok !$drift, 'between them a good client pays one for each of its own';
is $edge->get('/v3/x')->{headers}{'x-ratelimit-remaining'}, $address - $TOKENS - 1, 'the address pays for all the others';

my %verdict;
Edge::wait_for(10, sub {
    %verdict = reverse $edge->access_log =~ / verdict=(\S+) id=(\S+)$/mg;
    return !grep { !$verdict{$_} } keys %expected;
});
my %odd;
for my $id (keys %expected) {
    my $what = $expected{$id};
    $odd{"$what: " . ($verdict{$id} // '?')}++ if !grep { $_ eq ($verdict{$id} // '') } @{ $MAY_BE{$what} };
}
is_deeply \%odd, {}, 'each for a reason that fits what was changed';
my %reason;
$reason{ $verdict{$_} }++ for keys %expected;
note join ', ', map { "$_ $reason{$_}" } sort keys %reason;
cmp_ok scalar(keys %reason), '>=', 8, 'there were many reasons';

for (1 .. 4) { is $edge->get('/v3/x', token => $_)->{status}, 200, 'a good token, after' for @kept }
my $after = status();
my @sum = map { my $page = $_; map { $page->sum('twocare_edge_verifications_total', result => $_) } qw(good wrong) } $before, $after;
is $sum[2] - $sum[0], 0, 'no good token had to be verified again';
is $sum[3] - $sum[1], $reason{bad_signature}, 'a signature was computed for those that ended by it alone';
is $after->sum('twocare_edge_token_evictions_total'), 0, 'nothing was pushed out of the cache';

# --- requests -----------------------------------------------------------------------

# Changed at random, all bytes are there: whoever is answered, has been counted.
my @ODD = ("\0", "\r", "\n", "\t", ' ', '%', '%00', '%2e', '%ff', '..', '//', ':', ';', '?', '#', "\x80", "\xff", "\xe2\x80\xae", 'A' x 300, "'", '"', '<', '{');

sub good_request {
    my ($token) = @_;
    return {
        method => pick(qw(GET GET GET HEAD DELETE OPTIONS)), path => pick('/v3/x', '/v3/fhir/Patient/1', '/v3/fhir/Patient?name=a', '/v3/a/b/c?d=e'),
        fields => [ 'Host: edge.test', "Authorization: Bearer $token", 'Accept: application/json', 'User-Agent: test', 'Connection: close' ],
    };
}

my @CHANGES = (
    sub { my ($r) = @_; substr $r->{path}, rand length $r->{path}, rand 3, pick(@ODD) },
    sub { my ($r) = @_; substr $r->{path}, rand length $r->{path}, rand 3, pick(@ODD) },
    sub { my ($r) = @_; $r->{path} = pick('*', '', 'x', "http://other.example$r->{path}", '/../' . $r->{path}, "$r->{path}?" . '&' x 500, '/' x 3000) },
    sub { my ($r) = @_; $r->{method} = pick('get', 'FOO', 'TRACE', 'CONNECT', 'G T', "G\0T", 'A' x 400, '') },
    sub { my ($r) = @_; my $f = \$r->{fields}[ rand @{ $r->{fields} } ]; substr $$f, rand length $$f, rand 3, pick(@ODD) },
    sub { my ($r) = @_; my $f = \$r->{fields}[ rand @{ $r->{fields} } ]; substr $$f, rand length $$f, rand 3, pick(@ODD) },
    sub { my ($r) = @_; splice @{ $r->{fields} }, rand @{ $r->{fields} }, 1, pick([], [ pick(@{ $r->{fields} }) ], ['X: ' . 'y' x pick(100, 8900)])->@* },
    sub { my ($r) = @_; push @{ $r->{fields} }, map { "X-$_: y" } 1 .. pick(10, 300, 900) },
    sub { my ($r) = @_; push @{ $r->{fields} }, pick(@{ $r->{fields} }) },
    sub { my ($r) = @_; push @{ $r->{fields} }, pick('Host: a b', 'Host:', ': x', 'X', "X\x00: y", 'Range: bytes=-1', 'Expect: 100-continue', 'Upgrade: h2c', 'EDGE_TENANT: 1', 'X-Edge-Client: app_good', 'X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 192.0.2.1', 'If-None-Match: *') },
    sub { my ($r) = @_; $r->{version} = pick('HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/3', 'HTTP/1.1x', 'http/1.1', 'HTTP/1.', '') },
    sub { my ($r) = @_; $r->{eol} = "\n" },
);

# These may want bytes that never come, or be several requests.
my @BREAKS = (
    sub { my ($r) = @_; $r->{method} = pick(qw(POST PUT PATCH)); push @{ $r->{fields} }, 'Content-Length: ' . pick('0', '5', '10', '-1', 'x', '', '+3', '99999999999999999999', '4, 4', '2097152'); $r->{body} = pick('', 'abc', 'abcde') },
    sub { my ($r) = @_; $r->{method} = pick(qw(POST GET)); push @{ $r->{fields} }, 'Transfer-Encoding: ' . pick('chunked', 'chunked, chunked', 'gzip', "\x0bchunked", 'identity'); $r->{body} = pick("3\r\nabc\r\n0\r\n\r\n", "g\r\n", "ffffffffffffffff\r\n", "-1\r\n", "3\r\nabcdef\r\n0\r\n\r\n", '0', '') },
    sub { my ($r) = @_; push @{ $r->{fields} }, 'Content-Length: 3', 'Transfer-Encoding: chunked'; $r->{body} = "0\r\n\r\n" },
    sub { my ($r) = @_; $r->{cut} = 1 },
    sub { my ($r) = @_; $r->{body} = "GET /v3/x HTTP/1.1\r\nHost: edge.test\r\n\r\n" },
);

sub bytes {
    my ($r) = @_;
    my $eol = $r->{eol} // "\r\n";
    my $bytes = join($eol, join(' ', $r->{method}, $r->{path}, $r->{version} // 'HTTP/1.1'), @{ $r->{fields} }, '', '') . ($r->{body} // '');
    return $r->{cut} ? substr $bytes, 0, rand length $bytes : $bytes;
}

# Which client an answer was counted to, by the limit that it shows.
my %BY_LIMIT = reverse %LIMIT;
my %start = map { $_ => left($good{$_}) } sort keys %LIMIT;
my (%served, %paid, %unanswered, %seen, $faults);

# Answers of requests that were sent behind another are answers, too.
sub count_answers {
    my ($text) = @_;
    my ($n, $new) = (0, '');
    while ($text =~ m{^X-RateLimit-Limit: (\d+)\r$}mg) {
        $n++;
        $paid{ $BY_LIMIT{$1} // 'address' }++;
    }
    return $n;
}

for my $i (1 .. $REQUESTS) {
    my $broken = $i % 4 == 0;
    my $client = $broken ? 'app_broken' : 'app_whole';
    my $r = good_request($good{$client});
    pick(@CHANGES)->($r) for $broken ? 1 .. rand 2 : 0 .. rand 3;
    pick(@BREAKS)->($r) if $broken;
    my $bytes = bytes($r);
    # Whatever the first blank line ends is a header; a request without is short.
    my $whole = !$broken && $bytes =~ /\n\r?\n/;
    my $answer = $enemy->send($bytes, head => ($bytes =~ /^HEAD / ? 1 : 0), $whole ? () : (patience => $PATIENCE_S));
    # The echo repeats what it was sent, be it UTF-8 or not.
    my @wrong = grep { !/^not JSON/ || $answer->{status} >= 400 } $enemy->judge($answer, 'json', 'fhir', 'oauth');
    push @wrong, 'no answer' if $whole && !@wrong && !$answer->{status};
    $seen{ $answer->{status} // 'closed' }++;
    diag "request $i: @wrong\n" . ($bytes =~ s/eyJ[\w.-]+/TOKEN/gr) . "\n$answer->{text}" if @wrong && ++$faults < 10;
    my $counted = count_answers($answer->{text} // '');
    $unanswered{$client}++ if !$counted;
    # Meanwhile somebody works.
    next if $i % 40;
    my $now = left($good{app_good});
    $drift++ if $now != --$start{app_good};
}
ok !$faults, "$REQUESTS changed requests: below 500 and in its form each" or diag explain \%seen;
note join ', ', map { "$_: $seen{$_}" } sort keys %seen;
cmp_ok scalar(grep { /^4/ } keys %seen), '>=', 4, 'errors of several kinds';
cmp_ok $seen{200}, '>', 100, 'some changes are harmless';
ok !$drift, 'between them a good client pays one for each of its own';
is $start{app_whole} - left($good{app_whole}) - 1, $paid{app_whole}, "a client pays for exactly what it was answered ($paid{app_whole})";
my $broke = $start{app_broken} - left($good{app_broken}) - 1;
cmp_ok $broke, '>=', $paid{app_broken}, 'one that breaks off pays for its answers';
cmp_ok $broke, '<=', $paid{app_broken} + $unanswered{app_broken}, 'and at most for what it began';

# --- afterwards ---------------------------------------------------------------------

for (1 .. 2) { is $edge->get('/v3/x', token => $_)->{status}, 200, 'a good token, at last' for @kept }
my $last = status();
is $last->sum('twocare_edge_verifications_total', result => 'good'), $sum[2], 'no good token was verified again';
is $last->sum('twocare_edge_limited_total'), 0, 'and nobody was limited';
is scalar($edge->worker_pids), 2, 'two workers';
is_deeply [ $edge->complaints ], [], 'nginx has nothing to complain of';

done_testing;

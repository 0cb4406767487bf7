# What the edge knows comes from files: nothing is served before they were read
# well once, changes hold within a second, bad files change nothing, and old
# ones stop writes.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $edge = Edge->new(no_state => 1, extra => <<'END');
location = /foreign { twocare_answers off; twocare_auth off; twocare_limit off;
    error_page 404 @none; return 200 foreign; }
location @none { return 404; }
location /v3/short { twocare_auth on; twocare_limit on; twocare_state_max_age 2s;
    fastcgi_pass twocare_fast; }
END

sub status { my ($token, %how) = @_; return $edge->get($how{path} // '/v3/x', token => $token)->{status} }
sub becomes {
    my ($token, $wanted, $what) = @_;
    my $ok = Edge::wait_for(1, sub { status($token) == $wanted });
    # Both workers know it, not just the one that answered.
    $ok &&= Edge::wait_for(1, sub { 8 == grep { status($token) == $wanted } 1 .. 8 });
    return ok $ok, $what;
}

# --- nothing read yet -----------------------------------------------------------

$edge->key($_) for qw(RS256 ES256);
my $token = $edge->mint;
my $res   = $edge->get('/v3/x', token => $token);
is $res->{status}, 503, 'no state: 503';
is $res->{json}{error}{code}, 'service_unavailable', 'in our form';
cmp_ok $res->{headers}{'retry-after'}, '>=', 1, 'with Retry-After';
is $edge->get('/v3/fhir/Patient/1')->{json}{issue}[0]{code}, 'transient', 'and as an OperationOutcome';
is $edge->get('/foreign')->{body}, 'foreign', 'other places do not notice';
is $edge->get('/oauth/token')->{status}, 200, 'nor do those without tokens';
like $edge->error_log, qr/jwks\.json": cannot be read/, 'the log says what is missing';

$edge->keys('RS256');
$edge->clients;
$edge->revoked;
is status($token), 503, 'three of four files: still 503';
$edge->touch;
becomes($token, 200, 'all files: served within a second');

# --- changes ----------------------------------------------------------------------

my %revoked = (
    'jti:jti_x'         => $edge->mint(jti => 'jti_x'),
    'grant:grant_x'     => $edge->mint(gid => 'grant_x'),
    'user:user_x:' . time() => $edge->mint(sub => 'user_x'),
    'client:app_x:' . time() => $edge->mint(client_id => 'app_x'),
);
is status($revoked{$_}), 200, "before $_" for sort keys %revoked;
$edge->revoked(keys %revoked);
becomes($revoked{$_}, 401, "revoked: $_") for sort keys %revoked;
is $edge->get('/v3/x', token => (values %revoked)[0])->{json}{error}{message},
  'The access token has been revoked', 'and it is said';
is status($token), 200, 'others go on';
is status($edge->mint(sub => 'user_x', iat => time() + 2)), 200, 'a token issued later is good';

$edge->clients('app_test:1000:100::disabled');
becomes($token, 401, 'a client disabled');
$edge->clients('app_test:1000000:1000000');
becomes($token, 200, 'and enabled again');

$edge->keys('ES256');
becomes($token, 401, 'a key taken away: its tokens are refused, cached or not');
my $other = $edge->mint(-key => 'ES256');
is status($other), 200, 'tokens of the new key are good';
$edge->keys('RS256', 'ES256');
becomes($token, 200, 'the key is back');

my ($kid) = Edge::read_file($edge->path('state/jwks.json')) =~ /"kid":"([^"]+)"[^}]*RS256|RS256[^}]*"kid":"([^"]+)"/
  ? $1 // $2 : undef;
$edge->revoked("key:$kid");
becomes($token, 401, 'a key revoked');
is status($other), 200, 'not the other one';
$edge->revoked;
becomes($token, 200, 'taken back');

# --- bad files change nothing ---------------------------------------------------------

my %good = map { $_ => Edge::read_file($edge->path("state/$_")) } qw(jwks.json clients.map revoked.map);
my %bad  = (
    'jwks.json'   => [ '', '{', '{"keys":[{"kty":"RSA","n":"AQAB","e":"Aw","kid":"x","alg":"RS256"}]}', 'x' x 300_000 ],
    'clients.map' => [ '', 'x' x 10, substr($good{'clients.map'}, 0, -1), 'X' . substr($good{'clients.map'}, 1) ],
    'revoked.map' => [ '', "\0" x 64, $good{'clients.map'} ],
);
for my $file (sort keys %bad) {
    for my $content (@{ $bad{$file} }) {
        my $before = length $edge->error_log;
        Edge::write_file($edge->path("state/$file"), $content);
        ok Edge::wait_for(2, sub { substr($edge->error_log, $before) =~ /\Q$file\E": [^;]+; what was read/
            || substr($edge->error_log, 0, $before) =~ /\Q$file\E": [^;]+; what was read/ }),
          "$file of " . length($content) . ' bytes is complained of';
        select undef, undef, undef, 0.3;
        is status($token), 200, '  and what was read before stays';
    }
    Edge::write_file($edge->path("state/$file"), $good{$file});
}
unlink map { $edge->path("state/$_") } keys %good;
select undef, undef, undef, 0.5;
is status($token), 200, 'no files at all: what was read before stays';
Edge::write_file($edge->path("state/$_"), $good{$_}) for keys %good;

# --- age --------------------------------------------------------------------------------

my $alive = $edge->path('state/alive');
sub aged { my ($age) = @_; utime time - $age, time - $age, $alive or die "$alive: $!\n"; return }
sub post { return $edge->post('/v3/x', token => $token, body => '{}') }

aged(30);
ok Edge::wait_for(2, sub { $edge->error_log =~ /has not been kept up for \d+ seconds/ }),
  'a state older than 10 s is logged';
is post()->{status}, 200, 'and still takes writes';
aged(90);
ok Edge::wait_for(2, sub { post()->{status} == 503 && post()->{status} == 503 }),
  'older than 60 s it stops writes';
$res = Edge::wait_for(1, sub { ($res = post())->{status} == 503 }) ? $res : {};
is $res->{json}{error}{code}, 'service_unavailable', 'as service_unavailable';
cmp_ok $res->{headers}{'retry-after'}, '>=', 1, 'with Retry-After';
is status($token), 200, 'reading goes on';
is $edge->request(HEAD => '/v3/x', token => $token)->{status}, 200, 'HEAD too';
is $edge->post('/oauth/token')->{status}, 200, 'and where no token is needed';
$edge->touch;
ok Edge::wait_for(2, sub { 8 == grep { post()->{status} == 200 } 1 .. 8 }), 'kept up again: writes again';
ok Edge::wait_for(2, sub { $edge->error_log =~ /is kept up again/ }), 'and logged';
aged(5);
ok Edge::wait_for(2, sub { $edge->post('/v3/short', token => $token)->{status} == 503 }),
  'twocare_state_max_age is settable';

my @lines = $edge->error_log =~ /(has not been kept up)/g;
cmp_ok scalar @lines, '<=', 2, 'once by each worker, not at each look';

done_testing;

# Faults that other verifiers had, each by its name: what they fell for is
# refused here, and leaves nothing behind that would let the next one in.
# ngx_module/FAULTS.md lists them all, and this test that the list is true.

use strict;
use warnings;
use lib 't/lib';

use Digest::SHA qw(hmac_sha256);
use Edge;
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;

my ($iss, $other, $api) = ('https://a.test', 'https://b.test', 'https://api.test');
my $edge   = Edge->new(no_state => 1, stopped => 1);
my $dir    = $edge->path('state');
my $secret = 'k' x 40;
Edge::write_file("$dir/pub.json", Edge::run(Edge::tool('tool_edge'), 'jwks', map { $edge->key($_) } qw(RS256 ES256 ES384 EdDSA)));
Edge::write_file("$dir/oct.json", encode_json({ keys => [ { kty => 'oct', kid => 'shared', k => encode_base64url($secret) } ] }));
chmod 0640, "$dir/oct.json";
Edge::write_file($edge->path('nginx/nginx.conf'), $edge->bare(<<"HTTP", <<"SERVER"));
twocare_zone faults:1m;
twocare_audience $api;
twocare_issuer $iss keys=$dir/pub.json;
HTTP
large_client_header_buffers 8 16k;
twocare_answers json;
twocare_auth on;
location /       { add_header Who "\$twocare_sub \$twocare_scope" always; empty_gif; }
location /any    { satisfy any; deny all; empty_gif; }
location /secret { twocare_issuer $other secrets=$dir/oct.json; empty_gif; }
location /open   { twocare_auth optional; add_header Who "\$twocare_sub" always; empty_gif; }
SERVER
$edge->start;

sub b64 { return encode_base64url($_[0]) }
sub good { my (@how) = @_; return $edge->mint(iss => $iss, aud => $api, @how) }
my $token  = good();
my ($head, $body, $sig) = split /\./, $token;
my $kid    = decode_json(decode_base64url($head))->{kid};
my $claims = decode_base64url($body);
my $jwks   = Edge::read_file("$dir/pub.json");
my ($n)    = $jwks =~ /"n":"([^"]+)"/;
my %kids   = map { $_->{alg} => $_->{kid} } @{ decode_json($jwks)->{keys} };

# A token with any header text, and with any signature.
sub raw { my ($header, $signature, $with) = @_; return join '.', b64($header), b64($with // $claims), $signature // '' }
sub head { my ($alg, %more) = @_; return JSON::PP->new->canonical->encode({ alg => $alg, typ => 'at+jwt', kid => $kid, %more }) }
sub hs { my ($key, $header, $with) = @_; my $in = join '.', b64($header), b64($with // $claims); return "$in." . b64(hmac_sha256($in, $key)) }
sub pem { my ($file) = @_; open my $pipe, '-|', 'openssl', 'pkey', '-in', $file, '-pubout' or die $!; local $/ = undef; return <$pipe> }
my $public = pem($edge->key('RS256'));
my $mac    = sub { my ($header) = @_; return hs($public, $header) };

my @faults = (
    # name, what is tried: token [, place]
    [ 'CVE-2015-9235 alg none',                     map { my $alg = $_; map { raw(head($alg), $_) } '', $sig } qw(none None NONE nOnE), 'none ', "none\t", '' ],
    [ 'CVE-2022-29217 a public key in PEM as the secret', $mac->(head('HS256')), hs($public . "\n", head('HS256')), hs($n, head('HS256')), hs($jwks, head('HS256')) ],
    [ 'CVE-2016-10555 HS256 by the public key',     map { $mac->(head($_)) } qw(HS256 HS384 HS512 hs256 Hs256) ],
    [ 'CVE-2023-48223 the same behind white space', map { my $space = $_; map { hs($space . $public, head('HS256', %$_)) } {}, { kid => '' } } ' ', "\n", "\t\n" ],
    [ 'CVE-2018-0114 a key inside the token',       $edge->mint(-key => 'RS256-evil', iss => $iss, aud => $api, -header => head('RS256', jwk => decode_json(Edge::run(Edge::tool('tool_edge'), 'jwks', $edge->key('RS256-evil')))->{keys}[0])) ],
    [ 'CVE-2018-0114 a key at an address in the token', map { $edge->mint(-key => 'RS256-evil', iss => $iss, aud => $api, -header => head('RS256', @$_)) } [ jku => 'https://evil.test/jwks.json' ], [ x5u => 'https://evil.test/x' ], [ x5c => ['MIIB'] ], [ jku => 'file:///etc/passwd' ] ],
    [ 'kid injection',                              map { $edge->mint(-key => 'RS256-evil', iss => $iss, aud => $api, -header => head('RS256', kid => $_)) } '../../../../dev/null', '/dev/null', "' or '1'='1", '$(id)', '|id', "$kid\n", "$kid ", "$kid\x{0}x", 'x' x 129, 'x' x 4000, '', "\x{e9}" ],
    [ 'kid that is no text',                        map { raw(head('RS256', kid => $_), $sig) } 1, undef, [$kid], { a => $kid }, JSON::PP::true ],
    [ 'lua-resty-jwt #62: enc in the header',       raw(head('RS256', enc => 'A128GCM'), $sig), raw(head('dir', enc => 'A128GCM'), $sig), raw(head('RSA-OAEP'), $sig) ],
    [ 'libjwt #283: exp above what a number holds', map { good(-claims => $claims =~ s/"exp":\d+/"exp":$_/r) } '9223372036854775807', '9223372036854775808', '18446744073709551617', '99999999999999999999999', '1e400', '1e18', '-1', '"9999999999"', 'null', '[9999999999]', 'true' ],
    [ 'members twice: the last or the first wins',  good(-claims => $claims =~ s/\}$/,"exp":9999999999}/r), good(-claims => $claims =~ s/^\{/{"sub":"root",/r), raw('{"alg":"none",' . substr(head('RS256'), 1), $sig), good(-claims => $claims =~ s/^\{/{"s\\u0075b":"root",/r) ],
    [ 'audiences: another among none of ours',      good(aud => []), good(aud => [ [$api] ]), good(aud => { $api => 1 }), good(aud => "$api/"), good(aud => "x $api"), good(aud => [ 'x', undef ]) ],
    [ 'TeslaGov #28: no sub',                       good(sub => undef), good(sub => ''), good(sub => undef, client_id => undef), good(-claims => '{}'), good(-claims => 'null') ],
    [ 'TeslaGov PR 157: bytes above 127 in base64', map { substr($token, 0, 40) . $_ . substr($token, 41) } "\x80", "\xff", "\xc3\xa9", "\xe2\x80\x8b" ],
    [ 'CVE-2022-21449 r = s = 0',                   raw(head('ES256', kid => $kids{ES256}), 'A' x 86), raw(head('ES384', kid => $kids{ES384}), 'A' x 128) ],
    [ 'ECDSA in DER',                               map { raw(head('ES256', kid => $kids{ES256}), b64($_)) } "\x30\x44\x02\x20" . "\x11" x 32 . "\x02\x20" . "\x22" x 32, "\x30\x06\x02\x01\x01\x02\x01\x01" ],
    [ 'a key of one curve under another algorithm', map { $edge->mint(-key => $_->[0], iss => $iss, aud => $api, -header => head($_->[1], kid => $kids{ $_->[0] })) } [qw(ES256 ES384)], [qw(ES384 ES256)], [qw(ES256 EdDSA)], [qw(EdDSA ES256)], [qw(RS256 PS256)], [qw(RS256 RS384)], [qw(ES256 RS256)] ],
    [ 'CVE-2023-52428 work by the header: p2c',     raw(head('PBES2-HS256+A128KW', p2c => 2**31, p2s => 'x', enc => 'A128CBC-HS256'), $sig), join('.', b64(head('PBES2-HS256+A128KW', p2c => 2**31)), 'x', 'x', 'x', 'x') ],
    [ 'deep and wide JSON',                         good(x => eval('[' x 200 . '1' . ']' x 200)), good(x => [ (1) x 1200 ]), raw('{"a":' x 300 . '1' . '}' x 300, $sig) ],
    [ 'huge tokens',                                good(x => 'x' x 6000), $token . 'A' x 7000, 'A' x 9000 ],
    [ 'CVE-2026-29000 encrypted, unsigned inside',  join('.', b64('{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}'), 'a', 'b', 'c', 'd'), join('.', b64(head('RS256', cty => 'JWT')), b64(raw('{"alg":"none"}', '')), 'x') ],
    [ 'a nested token as claims',                   good(-claims => '"' . $token . '"') ],
    [ 'a blank or a line in the token',             map { $token =~ s/\./$_/r } '. ', '.%0a', ' .', ".\t" ],
);

# --- each is refused, and nothing of it stays -----------------------------------------------

my $forged = raw(head('none'), '');
is $edge->get('/', token => $token)->{headers}{who}, 'user_1 patient:read patient:write', 'the good one is good';
for my $row (@faults) {
    my ($name, @tokens) = @$row;
    my @statuses = map { $edge->get('/', token => $_)->{status} // 'none' } @tokens;
    is_deeply \@statuses, [ map { 401 } @tokens ], "$name: refused";
    # kjdev 0.14.1: a request that changed the place's configuration switched all checks off.
    is $edge->get('/', token => $forged)->{status}, 401, '  and the next one without a signature, too';
    is $edge->get('/open', token => $tokens[0])->{headers}{who} // '', '', '  where tokens are optional it is nobody';
    is $edge->get('/', token => $token)->{status}, 200, '  the good one stays good';
}
is $edge->get('/any', token => $token)->{status}, 200, 'kjdev PR 19, satisfy any: a good token lets in';
is $edge->get('/any', token => $forged)->{status}, 401, 'kjdev PR 19, satisfy any: a bad one gets its challenge';
like $edge->get('/any')->{headers}{'www-authenticate'}, qr/^Bearer/, 'kjdev PR 19, satisfy any: so does none';

# --- in the header ---------------------------------------------------------------------------

for my $value ('X', '', 'B', 'Bearer', 'Bearer ', 'Bearer  ', 'bearer', "Bearer\t$token", "Bearer$token", "Token $token", 'Bearer .', 'Bearer ..', 'Bearer ...', "Bearer \x{0}", "Bearer $token $token", "Bearer $token,$token") {
    my $res = $edge->raw_parsed("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: $value\r\n\r\n");
    like $res->{status} // 'none', qr/^40[01]$/, 'TeslaGov #40: Authorization: ' . substr($value, 0, 20) =~ s/[^ -~]/?/gr;
}

# --- secrets -------------------------------------------------------------------------------------

my $mine = $edge->claims(iss => $other, aud => $api);
my $hs   = head('HS256', kid => 'shared');
my $with_zero;
for my $i (1 .. 2000) {
    my $in = join '.', b64($hs), b64($edge->claims(iss => $other, aud => $api, jti => "j$i"));
    my $mac = hmac_sha256($in, $secret);
    next if index(substr($mac, 0, 4), "\0") < 0;
    $with_zero = [ $in, $mac ];
    last;
}
is $edge->get('/secret', token => hs($secret, $hs, $mine))->{status}, 200, 'a shared secret, expressly configured';
is $edge->get('/secret', token => "$with_zero->[0]." . b64(substr($with_zero->[1], 0, 8) . 'x' x 24))->{status}, 401,
  'CVE-2024-25189 a MAC that agrees up to its first zero: refused';
is $edge->get('/secret', token => "$with_zero->[0]." . b64($with_zero->[1]))->{status}, 200, 'CVE-2024-25190 all of it: good';
is $edge->get('/secret', token => $_)->{status}, 401, 'CVE-2016-10555 the other way round: no public key where secrets are'
  for $token, good(iss => $other), hs($public, $hs, $mine), hs('', $hs, $mine);
is $edge->get('/', token => hs($secret, $hs, $mine))->{status}, 401, 'and no secret where public keys are';

# --- keys ------------------------------------------------------------------------------------------

my $roca = Edge::read_file('tests/test_jwks.c') =~ /#define ROCA_N\t(.*?)\n\n/s ? join '', $1 =~ /"([^"]*)"/g : die;
my %weak = (
    'RSA of 1024 bits'              => { kty => 'RSA', n => b64("\xc1" x 128), e => 'AQAB' },
    'RSA with e = 1'                => { kty => 'RSA', n => $n, e => 'AQ' },
    'CVE-2017-15361 ROCA'           => { kty => 'RSA', n => $roca, e => 'AQAB' },
    'a point that is on no curve'   => { kty => 'EC', crv => 'P-256', x => b64("\0" x 31 . "\1"), y => b64("\0" x 31 . "\1") },
    'a point of small order'        => { kty => 'OKP', crv => 'Ed25519', x => b64("\0" x 32) },
    'P-256 called ES384'            => { %{ (grep { $_->{alg} eq 'ES256' } @{ decode_json($jwks)->{keys} })[0] }, alg => 'ES384' },
);
for my $what (sort keys %weak) {
    Edge::write_file("$dir/weak.json", encode_json({ keys => [ { kid => 'weak', %{ $weak{$what} } } ] }));
    Edge::write_file($edge->path('nginx/test.conf'), $edge->bare('twocare_zone z:1m;', "twocare_auth on; twocare_issuer $iss audience=$api keys=$dir/weak.json;"));
    my @command = $edge->command('-t');
    $command[-2] = $edge->path('nginx/test.conf');
    like qx(@command 2>&1), qr/keys ".*weak\.json": .* in \S+:\d+/, "$what: no key, says nginx -t with file and line";
}
unlike $edge->error_log, qr/exited on signal|AddressSanitizer/, 'nothing crashed';

# --- the list is true ---------------------------------------------------------------------------------

my $list = Edge::read_file('ngx_module/FAULTS.md');
my $rows = 0;
while ($list =~ /^\| ([^|]+?) \| ([^|]+?) \|$/mg) {
    my ($fault, $tests) = ($1, $2);
    next if $fault eq 'fault' || $fault =~ /^-+$/;
    $rows++;
    for my $test (split /; /, $tests) {
        my ($file, $name) = $test =~ /^`([^`]+)`: (.+)$/ or fail("$fault: no test in '$test'"), next;
        like Edge::read_file($file), qr/\Q$name\E/, "$fault: $file has \"$name\"";
    }
}
cmp_ok $rows, '>=', 25, 'all of them';

done_testing;

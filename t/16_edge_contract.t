# The contract edge -> backend, what the logs hold, and the frame that `make
# run` uses: TLS, HTTP/2, gzip.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use IO::Socket::SSL;
use Test::More;

my $edge = Edge->new(
    clients       => ['app_test:1000000:1000000'],
    limit_address => '9 5',
    extra         => 'real_ip_header X-From; set_real_ip_from 127.0.0.1;'
      . ' location /v3/gone { fastcgi_pass unix:/nonexistent/gone.sock; }',
);
my $token = $edge->mint;

# --- nobody but the edge says EDGE_* -------------------------------------------------

my @spoof = (
    'Edge-Client-Id' => 'evil', 'EDGE_CLIENT_ID' => 'evil', 'Edge_Tenant' => '9', 'edge-scope' => 'evil',
);
for my $res ($edge->get('/v3/x', token => $token, headers => [@spoof]),
    $edge->get('/oauth/token', headers => [@spoof])) {
    is $res->{status}, 200, 'headers that look like parameters do no harm';
    is_deeply [ grep { /^EDGE_/ && $res->{json}{$_} =~ /evil|^9$/ } keys %{ $res->{json} } ], [],
      'and never become EDGE_*';
    is $res->{json}{HTTP_EDGE_CLIENT_ID}, 'evil', 'they are HTTP_EDGE_*';
}
my $res = $edge->get('/oauth/token', headers => [ Authorization => 'Basic eDp5' ]);
is $res->{json}{HTTP_AUTHORIZATION}, 'Basic eDp5', 'client credentials reach the token endpoint';
is $edge->get('/v3/x', token => $token, headers => [ 'X-From' => '192.0.2.9' ])->{json}{EDGE_ADDR},
  '192.0.2.9', 'EDGE_ADDR is the address after realip';
$res = $edge->post('/v3/fhir/Patient/%24x/../1?a=b%20c', token => $token, body => 'x' x 100_000,
    headers => [ 'Content-Type' => 'application/fhir+json' ]);
is $res->{json}{DOCUMENT_URI}, '/v3/fhir/Patient/1', 'DOCUMENT_URI is decoded and normalised';
is $res->{json}{QUERY_STRING}, 'a=b%20c', 'QUERY_STRING is as sent';
is $res->{json}{body}, 100_000, 'the body is whole';
is $res->{json}{CONTENT_TYPE}, 'application/fhir+json', 'CONTENT_TYPE';
is $edge->get('/v3/fhir/metadata')->{status}, 200, 'metadata needs no token';
is $edge->get('/v3/fhir/metadata', token => 'bad')->{json}{EDGE_CLIENT_ID}, '', 'a bad one is as none there';

# --- logs ---------------------------------------------------------------------------------

$edge->get("/v3/gone?secret=value&access_token=$token", token => $token,
    headers => [ Referer => 'https://app.test/?patient=jones', Cookie => 'sid=secret' ]);
Edge::wait_for(2, sub { $edge->error_log =~ /gone\.sock/ });
my $error = (grep { /gone\.sock/ } split /\n/, $edge->error_log)[0] // '';
like $error, qr{server: edge\.test, request: "GET /v3/gone", request_id: req_\w{26}, upstream: },
  'an error line says where, and which request';
unlike $error, qr/secret|jones|access_token|eyJ/, 'and nothing that was in its query or headers';
unlike $edge->access_log, qr/secret|jones|access_token|eyJ/, 'nor does the access log';
$edge->get("/v3/x\n/evil", token => $token);
unlike $edge->access_log, qr/^(?!\d{4}-)/m, 'every line of the access log is one of ours';

# --- windows of many addresses -----------------------------------------------------------------

Edge::write_file($edge->path('nginx/twocare_http.conf'),
    Edge::read_file($edge->path('nginx/twocare_http.conf')) =~ s/twocare:32m/small:1m/r);
ok $edge->reload, 'with a zone that is too small';
my ($first, $request) = (0, sub { "GET /v3/x HTTP/1.1\r\nHost: a\r\nX-From: 10.0." . ($_[0] >> 8) . '.'
      . ($_[0] & 255) . "\r\n" . ($_[1] // '') . "\r\n" });
for my $lot (0 .. 79) {
    my $in = $edge->raw(join '', map { $request->($lot * 100 + $_, $_ == 99 ? "Connection: close\r\n" : '') } 0 .. 99);
    $first += () = $in =~ /X-RateLimit-Remaining: 8\r/g;
}
cmp_ok $first, '>', 7000, "of 8,000 addresses $first have windows of their own";
like $edge->error_log, qr/twocare_zone "small" is too small/, 'the others share, and that is logged';
my $second = 0;
for my $lot (0 .. 4) {
    my $in = $edge->raw(join '', map { $request->($lot * 100 + $_, $_ == 99 ? "Connection: close\r\n" : '') } 0 .. 99);
    $second += () = $in =~ /X-RateLimit-Remaining: 7\r/g;
}
cmp_ok $second, '>=', 495, 'a window that lives is never given away';

# --- the frame ----------------------------------------------------------------------------

my $tls = Edge->new(stopped => 1, clients => ['app_test:1000000:1000000']);
my ($port, $http_port) = ($tls->{port}, Edge::free_port());
system qq(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost )
  . qq(-addext subjectAltName=DNS:localhost -keyout $tls->{dir}/key.pem -out $tls->{dir}/cert.pem 2>/dev/null);
my $text = Edge::read_file('conf/nginx.conf');
my %with = (
    MODULE => Edge::module(), USER_LINE => $> == 0 ? 'user root;' : '', RUN_DIR => $tls->{dir},
    CONF_DIR => $tls->path('nginx'), PORT => $port, HTTP_PORT => $http_port, HOST => 'localhost',
    TLS_CERT => $tls->path('cert.pem'), TLS_KEY => $tls->path('key.pem'),
);
$text =~ s/\@([A-Z_]+)\@/$with{$1} \/\/ die "conf\/nginx.conf: $1\n"/ge;
Edge::write_file($tls->path('nginx/nginx.conf'), $text);
$tls->start;
$token = $tls->mint;
for my $version (qw(TLSv1_2 TLSv1_3)) {
    my $sock = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $port, SSL_version => $version,
        SSL_hostname => 'localhost', SSL_ca_file => $tls->path('cert.pem'), SSL_verifycn_name => 'localhost',
        SSL_verifycn_scheme => 'http', Timeout => 5);
    ok $sock, "$version is spoken" or diag $SSL_ERROR;
}
ok !IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $port, SSL_version => 'TLSv1_1',
    SSL_verify_mode => SSL_VERIFY_NONE, Timeout => 5), 'TLS 1.1 is not';
like $tls->raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), qr/^HTTP\/1.1 400 .*"This port speaks HTTPS"/s,
  'plain HTTP on the TLS port is told so';

my @curl = ('curl', '-s', '-i', '--noproxy', '*', '--cacert', $tls->path('cert.pem'), '--http2',
    '-H', "Authorization: Bearer $token");
my $base = "https://localhost:$port";
like Edge::run(@curl, "$base/v3/x"), qr/^HTTP\/2 200.*x-ratelimit-limit: 1000000.*x-request-id: req_|^HTTP\/2 200.*x-request-id: req_/s,
  'HTTP/2';
like Edge::run(@curl, '-H', 'Authorization: Bearer bad', "$base/v3/fhir/Patient/1"), qr/^HTTP\/2 40[01].*OperationOutcome/s,
  'errors over HTTP/2';
like Edge::run(@curl, '-d', 'x' x 100_000, "$base/v3/x"), qr/"body":100000/, 'a body over HTTP/2';
like Edge::run(@curl, '-H', 'Accept-Encoding: gzip', '-o', $tls->path('out'), '-D', '-', "$base/v3/x?" . 'y' x 1500),
  qr/content-encoding: gzip/i, 'JSON is compressed';
{
    local $tls->{port} = $http_port;
    is $tls->get('/v3/x', token => $token)->{status}, 200, 'the plain listener of loopback';
    my $jwks = $tls->get('/.well-known/jwks.json');
    is $jwks->{status}, 200, 'jwks.json is served from the state';
    is $jwks->{headers}{'cache-control'}, 'public, max-age=300', 'and may be kept for five minutes';
    is $jwks->{headers}{'content-type'}, 'application/json', 'as JSON';
    is scalar @{ $jwks->{json}{keys} }, 2, 'with its keys';
}

done_testing;

# Every refusal has the specification's form: below /v3/fhir an
# OperationOutcome, /oauth RFC 6749, elsewhere {"error":{...}}; nginx's own
# refusals included. Each code has a request here that provokes it.

use strict;
use warnings;
use lib 't/lib';

use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP;
use Stack;
use Test::More;

my $stack = Stack->new;
my $base  = $stack->env('BASE_URL');

sub error_form {
    my ($res, $what, $status, $code) = @_;
    is $res->{status}, $status, "$what: $status" or diag $res->{content};
    like $res->{headers}{'x-request-id'}, qr/^req_[a-z0-9]{26}$/, "$what: X-Request-Id";
    my $error = $res->{json}{error} // {};
    is $error->{code}, $code, "$what: $code" or diag $res->{content};
    is $error->{requestId}, $res->{headers}{'x-request-id'}, "$what: requestId";
    ok length($error->{message} // ''), "$what: a message";
    return;
}

my $bad = $stack->token =~ s/.{8}$/AAAAAAAA/r;
my @json = (
    # what                 method  path                       options                                      status code
    [ 'no such path',      GET    => '/nothing/here',         {},                                          404, 'resource_not_found' ],
    [ 'no token',          GET    => '/patients',             { token => '' },                             401, 'invalid_token' ],
    [ 'a bad token',       GET    => '/patients',             { token => $bad },                           401, 'invalid_token' ],
    [ 'Basic instead',     GET    => '/patients',             { token => '', headers => { authorization => 'Basic eDp5' } }, 401, 'invalid_credentials' ],
    [ 'a body above 1 MB', POST   => '/patients',             { body => 'x' x 1_200_000, type => 'application/json' }, 413, 'payload_too_large' ],
);
error_form($stack->request($_->[1], $base . $_->[2], %{ $_->[3] }), $_->[0], $_->[4], $_->[5]) for @json;

my @fhir = (
    [ 'no token',           GET    => '/Patient/1',    { token => '' },                              401, 'login' ],
    [ 'not found',          GET    => '/Patient/none', {},                                           404, 'not-found' ],
    [ 'no such type',       GET    => '/Nonsense/1',   {},                                           404, 'not-found' ],
    [ 'method not allowed', DELETE => '/Patient/1/_history', {},                                           405, 'not-supported' ],
    [ 'another media type', POST   => '/Patient',      { body => 'x', type => 'text/plain' },        415, 'not-supported' ],
    [ 'not acceptable',     GET    => '/Patient/x',    { headers => { accept => 'text/turtle' } },   406, 'not-supported' ],
    [ 'a body above 32 MB', POST   => '',              { body => ' ' x 34_000_000 },                 413, 'too-long' ],
);
for my $row (@fhir) {
    my ($what, $method, $path, $options, $status, $code) = @$row;
    my $res = $stack->request($method, $path, %$options);
    is $res->{status}, $status, "FHIR, $what: $status" or diag substr $res->{content}, 0, 500;
    is $res->{json}{resourceType}, 'OperationOutcome', "FHIR, $what: an OperationOutcome";
    is $res->{json}{issue}[0]{code}, $code, "FHIR, $what: $code" or diag $res->{content};
    ok $res->{json}{issue}[0]{severity} && ($res->{json}{issue}[0]{diagnostics} // ''), "FHIR, $what: severity and diagnostics";
    like $res->{headers}{'x-request-id'}, qr/^req_/, "FHIR, $what: X-Request-Id";
}
my $res = $stack->request('DELETE', '/Patient/1/_history');
like $res->{headers}{allow}, qr/GET/, '405 says what is allowed';
is $stack->request('OPTIONS', '/Patient')->{status}, 204, 'OPTIONS is answered';
my $preflight = { origin => 'https://app.test', 'access-control-request-method' => 'GET' };
is $stack->request('OPTIONS', '/Patient', token => '', headers => $preflight)->{status}, 204,
    'a preflight needs no token';

# What never gets as far as a location: raw bytes, over TLS and plain.
my ($port) = $stack->env('AUTH_URL') =~ /:(\d+)$/;
my ($plain) = $stack->env('HTTP_URL') =~ /:(\d+)/;

sub raw {
    my ($bytes, $secure) = @_;
    my $socket = $secure
      ? IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $port, SSL_ca_file => $stack->env('CA_FILE'), SSL_verifycn_name => 'localhost')
      : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $plain);
    $socket or die "no connection: $! $IO::Socket::SSL::SSL_ERROR";
    local $SIG{PIPE} = 'IGNORE';
    # What the server closed before it read all of it has been answered.
    print {$socket} $bytes or note "cut short: $!";
    $socket->shutdown(1) if !$secure;
    my $answer = do { local $/ = undef; <$socket> } // '';
    return $answer;
}

my @raw = (
    [ 'no HTTP',               "nonsense\r\n\r\n",                                                       400 ],
    [ 'an unknown version',    "GET /v3/patients HTTP/9.9\r\nHost: x\r\n\r\n",                           400 ],
    [ 'an unknown encoding',   "POST /v3/patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: foo\r\nConnection: close\r\n\r\n", 400 ],
    [ 'no Host',               "GET /v3/patients HTTP/1.1\r\n\r\n",                                      400 ],
    [ 'a NUL in the path',     "GET /v3/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",           400 ],
    [ 'two lengths',           "POST /v3/patients HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400 ],
    [ 'a long path',           'GET /v3/' . 'x' x 40_000 . " HTTP/1.1\r\nHost: x\r\n\r\n",                 414 ],
    [ 'a long header',         "GET /v3/patients HTTP/1.1\r\nHost: x\r\nX: " . 'x' x 40_000 . "\r\n\r\n", 431 ],
    [ 'an unknown method',     "FOO /v3/fhir/Patient HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",  qr/401|405/ ],
);
for my $row (@raw) {
    my ($what, $bytes, $status) = @$row;
    for my $secure (0, 1) {
        my $answer = raw($bytes, $secure);
        my ($got) = $answer =~ m{^HTTP/1\.[01] (\d+)};
        like $got // 'nothing', ref $status ? $status : qr/^$status$/, "$what: $status" or diag substr $answer, 0, 300;
        unlike $answer, qr/<html>/i, "$what: none of nginx's pages";
        my ($body) = $answer =~ /\r\n\r\n(.*)\z/s;
        ok eval { decode_json($body // ''); 1 }, "$what: a JSON body" or diag substr $answer, 0, 600;
        like $answer, qr/^X-Request-Id: req_/mi, "$what: X-Request-Id";
    }
}

done_testing;

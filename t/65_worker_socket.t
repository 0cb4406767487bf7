# A worker takes whatever comes through its socket: requests cut at every
# byte, records out of order, 65,000 parameters, one parameter twice. Only nginx
# may open the socket; a fault there must not end a worker either.

use strict;
use warnings;
use lib 't/lib';

use Hostile;
use IO::Select;
use IO::Socket::UNIX;
use Stack;
use Test::More;
use Time::HiRes qw(time);

my ($BEGIN, $ABORT, $END, $PARAMS, $STDIN, $STDOUT) = (1, 2, 3, 4, 5, 6);
my $RECORD_MAX = 65_535;

my $stack = Stack->new;
my ($run) = $stack->env('CA_FILE') =~ m{^(.*)/tls/};
my $conf = do { open my $fh, '<', "$run/twocare.conf" or die "twocare.conf: $!\n"; local $/ = undef; <$fh> };
my ($dir) = $conf =~ /^socket_dir = (.*)$/m;
my $socket = "$dir/fast-0.sock";

sub connect_worker { return IO::Socket::UNIX->new(Peer => $socket) // die "$socket: $!\n" }
sub record { my ($type, $id, $content) = @_; return pack 'C2n2C2a*', 1, $type, $id, length $content, 0, 0, $content }
sub records { my ($type, $id, $content) = @_; my $out = ''; $out .= record($type, $id, substr $content, 0, $RECORD_MAX, '') while length $content; return $out . record($type, $id, '') }
sub length_of { my ($n) = @_; return $n < 128 ? chr $n : pack 'N', $n | 1 << 31 }
sub params { my (@pairs) = @_; my $out = ''; while (my ($name, $value) = splice @pairs, 0, 2) { $out .= length_of(length $name) . length_of(length $value) . $name . $value } return $out }
sub begin { my ($keep, $id, $role) = @_; return record($BEGIN, $id // 1, pack 'nC6', $role // 1, $keep, (0) x 5) }

my @who = (EDGE_CLIENT_ID => 'cli_test', EDGE_SUB => 'cli_test', EDGE_TENANT => '999999', EDGE_SCOPE => 'patient:read patient:write', EDGE_REQUEST_ID => 'req_00000000000000000000000000');
sub request {
    my ($method, $path, $body, @more) = @_;
    return begin(1) . records($PARAMS, 1, params(REQUEST_METHOD => $method, DOCUMENT_URI => $path, QUERY_STRING => '', CONTENT_TYPE => 'application/fhir+json', CONTENT_LENGTH => length $body, @who, @more)) . records($STDIN, 1, $body);
}

# What the worker says within 3 s, until the request's end or its hanging up.
sub answer {
    my ($sock) = @_;
    my ($in, $out, $end) = ('', '', time + 3);
    while (time < $end && IO::Select->new($sock)->can_read($end - time)) {
        sysread $sock, $in, 65536, length $in or return { out => $out, closed => 1 };
        while (length $in >= 8) {
            my (undef, $type, undef, $length, $padding) = unpack 'C2n2C', $in;
            last if length $in < 8 + $length + $padding;
            $out .= substr $in, 8, $length if $type == $STDOUT;
            substr $in, 0, 8 + $length + $padding, '';
            return { out => $out, done => 1 } if $type == $END;
        }
    }
    return { out => $out };
}
sub ask { my ($bytes) = @_; my $sock = connect_worker(); local $SIG{PIPE} = 'IGNORE'; syswrite $sock, $bytes; return answer($sock) }

my @before = $stack->pids('backend');
like ask(request(GET => '/health', ''))->{out}, qr/^Status: 200/, 'a worker answers on its socket';
is((stat $socket)[2] & 07, 0, 'which others may not open');

# --- cut at every byte ------------------------------------------------------------------

my $whole = request(POST => '/v3/fhir/Patient', '{"resourceType":"Patient"}');
for my $n (0 .. length($whole) - 1) {
    my $sock = connect_worker();
    syswrite $sock, substr $whole, 0, $n;
    close $sock;
}
is_deeply [ $stack->pids('backend') ], \@before, 'requests cut at each of ' . length($whole) . ' bytes end nobody';
like ask(request(GET => '/health', ''))->{out}, qr/^Status: 200/, 'and the next one is answered';

# --- odd ones ------------------------------------------------------------------------------

my $get = request(GET => '/v3/fhir/Patient/nobody', '');
my @odd = (
    # what                                  bytes                                                            what it may say
    [ '65,000 parameters',                  request(GET => '/v3/fhir/Patient/nobody', '', map { ("HTTP_X_$_" => 'y') } 1 .. 65_000), qr/^Status: 404/ ],
    [ 'a parameter of 1 MB',                request(GET => '/v3/fhir/Patient/nobody', '', HTTP_X => 'y' x 1_000_000), qr/^Status: 404/ ],
    [ 'EDGE_TENANT twice',                  request(GET => '/v3/fhir/Patient/nobody', '', EDGE_TENANT => '1'), qr/^Status: 404/ ],
    [ 'EDGE_TENANT as a header',            request(GET => '/v3/fhir/Patient/nobody', '', HTTP_EDGE_TENANT => '1'), qr/^Status: 404/ ],
    [ 'a path that is not UTF-8',           request(GET => "/v3/fhir/\xff\xfe", ''),                          qr/^Status: 400/ ],
    [ 'an empty path',                      request(GET => '', ''),                                          qr/^Status: 404/ ],
    [ 'a tenant that is none',              begin(1) . records($PARAMS, 1, params(REQUEST_METHOD => 'GET', DOCUMENT_URI => '/v3/fhir/Patient/x', EDGE_CLIENT_ID => 'x', EDGE_TENANT => 'x', EDGE_SCOPE => 'patient:read')) . record($STDIN, 1, ''), qr/^(?:Status: 4\d\d|$)/ ],
    [ 'a negative tenant',                  begin(1) . records($PARAMS, 1, params(REQUEST_METHOD => 'GET', DOCUMENT_URI => '/v3/fhir/Patient/x', EDGE_CLIENT_ID => 'x', EDGE_TENANT => '-1', EDGE_SCOPE => 'patient:read')) . record($STDIN, 1, ''), qr/^(?:Status: 4\d\d|$)/ ],
    [ 'no parameters',                      begin(1) . record($PARAMS, 1, '') . record($STDIN, 1, ''),       qr/^(?:Status: 4\d\d|$)/ ],
    [ 'a wrong CONTENT_LENGTH',             begin(1) . records($PARAMS, 1, params(REQUEST_METHOD => 'POST', DOCUMENT_URI => '/v3/fhir/Patient', CONTENT_LENGTH => '10', @who)) . records($STDIN, 1, 'x' x 100), qr/^$/ ],
    [ 'a CONTENT_LENGTH that is none',      begin(1) . records($PARAMS, 1, params(REQUEST_METHOD => 'POST', DOCUMENT_URI => '/v3/fhir/Patient', CONTENT_LENGTH => '-1', @who)) . record($STDIN, 1, ''), qr/^$/ ],
    [ 'a CONTENT_LENGTH of 2^62',           begin(1) . records($PARAMS, 1, params(REQUEST_METHOD => 'POST', DOCUMENT_URI => '/v3/fhir/Patient', CONTENT_LENGTH => 2**62, @who)) . record($STDIN, 1, ''), qr/^(?:Status: 413|$)/ ],
    [ 'another role',                       begin(1, 1, 3) . records($PARAMS, 1, params(@who)) . record($STDIN, 1, ''), qr/^(?:Status: 4\d\d|$)/ ],
    [ 'another version',                    chr(9) . substr($get, 1),                                        qr/^$/ ],
    [ 'a type that is none',                record(77, 1, 'x') . $get,                                       qr/^(?:Status: 404|$)/ ],
    [ 'two requests at once',               begin(1) . begin(1, 2) . substr($get, 16),                       qr/^(?:Status: 404|$)/ ],
    [ 'an abort',                           begin(1) . record($ABORT, 1, ''),                                qr/^$/ ],
    [ 'lengths beyond the record',          begin(1) . record($PARAMS, 1, "\xff\xff\xff\xff\xff\xff\xff\xff") . record($PARAMS, 1, ''), qr/^$/ ],
    [ 'HTTP',                               "GET / HTTP/1.1\r\nHost: x\r\n\r\n",                             qr/^$/ ],
    [ 'zeros',                              "\0" x 5000,                                                     qr/^$/ ],
    [ 'ones',                               "\xff" x 5000,                                                   qr/^$/ ],
);
for my $row (@odd) {
    my ($what, $bytes, $may) = @$row;
    my $got = ask($bytes);
    like $got->{out}, $may, "$what: a refusal or nothing" or diag substr $got->{out}, 0, 300;
}

srand 20260117;
for my $i (1 .. 400) {
    my $bytes = $whole;
    substr $bytes, rand length $bytes, 1, chr rand 256 for 0 .. rand 4;
    my $sock = connect_worker();
    syswrite $sock, $bytes;
    shutdown $sock, 1;
    my $got = answer($sock);
    # Claims that are no UTF-8 cannot come from the edge: they are a 500.
    next if $got->{out} eq '' || $got->{out} =~ /^Status: [2-5]/;
    fail "changed bytes ($i): " . substr $got->{out}, 0, 100;
}
is_deeply [ $stack->pids('backend') ], \@before, 'all the same processes';
like ask(request(GET => '/health', ''))->{out}, qr/^Status: 200/, 'which answer';
is $stack->get('/Patient?_count=1')->{status}, 200, 'nginx, too';

done_testing;

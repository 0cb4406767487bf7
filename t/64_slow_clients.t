# Clients that send a header, a body or read an answer slowly are left by
# nginx after its timeouts (1 s here), hold no worker, and keep nobody waiting.

use strict;
use warnings;
use lib 't/lib';

use Hostile;
use IO::Select;
use Pace qw(stretched);
use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

my $SLOW      = 80;
my $READERS   = 8;
my $LOOK_S    = 6;     # the readers look again then
my $CLOSED_BY = 30;    # at the latest, on a busy machine

my $stack = Stack->new;
my $enemy = Hostile->new($stack);
my ($run) = $stack->env('CA_FILE') =~ m{^(.*)/tls/};
my $token = $stack->token;

# --- timeouts that a test can wait for -----------------------------------------------

sub read_file { my ($file) = @_; open my $fh, '<', $file or die "$file: $!\n"; local $/ = undef; return scalar <$fh> }
sub write_file { my ($file, $text) = @_; open my $fh, '>', $file or die "$file: $!\n"; print {$fh} $text; close $fh or die "$file: $!\n"; return }

my $file = "$run/nginx/nginx.conf";
my $conf = read_file($file);
my ($nginx) = $stack->pids('nginx');

sub serving { return sort grep { (eval { read_file("/proc/$_/cmdline") } // '') =~ /worker process(?! is)/ } split ' ', `pgrep -P $nginx` }
sub reload {
    my ($text) = @_;
    my %old = map { $_ => 1 } serving();
    write_file($file, $text);
    kill 'HUP', $nginx;
    for (1 .. 200) {
        my @now = serving();
        return 1 if @now && !grep { $old{$_} } @now;
        sleep 0.05;
    }
    return 0;
}
END { local $?; write_file($file, $conf), kill 'HUP', $nginx if $conf }

is scalar(my @set = $conf =~ /^\s*((?:client_header|client_body|send)_timeout)\s+\d+s;/mg), 3, 'the timeouts are set';
ok reload($conf =~ s/^(\s*(?:client_header|client_body|send)_timeout)\s+\d+s;/$1 1s;/mgr), 'and short for this test';

# --- the slow ones ---------------------------------------------------------------------

# A page that no socket buffers: 16 records of 800 KB.
my $tag = sprintf 'slow%x%x', time, $$;
for my $i (1 .. 16) {
    my $res = $stack->post('/Basic', body => { resourceType => 'Basic', code => { coding => [ { system => 'urn:slow', code => $tag } ] }, extension => [ { url => 'http://example.org/x', valueBase64Binary => 'QUJD' x 200_000 } ] });
    is $res->{status}, 201, 'a large record' if $res->{status} != 201;
}
my $auth = "Host: localhost\r\nAuthorization: Bearer $token\r\n";
my %kinds = (
    # what is sent at first, and then every 0.2 s
    'a header, byte by byte' => [ "GET /v3/fhir/Patient/x HTTP/1.1\r\n$auth", 'X' ],
    'a header, line by line' => [ "GET /v3/fhir/Patient/x HTTP/1.1\r\n$auth", "X-A: b\r\n" ],
    'a request line'         => [ 'GET /v3/fhir/', 'x' ],
    'no byte at all'         => [ '', '' ],
    'a body that stops'      => [ "POST /v3/fhir/Patient HTTP/1.1\r\n${auth}Content-Type: application/fhir+json\r\nContent-Length: 100000\r\n\r\n{", '' ],
    'a chunk that stops'     => [ "POST /v3/fhir HTTP/1.1\r\n${auth}Content-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", '' ],
    'a form that stops'      => [ "POST /oauth/token HTTP/1.1\r\n${auth}Content-Length: 1000\r\n\r\ngrant", '' ],
    'an answer not read'     => [ "GET /v3/fhir/Basic?code=urn:slow|$tag HTTP/1.1\r\n$auth\r\n", undef ],
);
my @slow;
for my $what (sort keys %kinds) {
    my ($first, $then) = @{ $kinds{$what} };
    for my $i (1 .. (defined $then ? $SLOW : $READERS)) {
        my $sock = $enemy->connect(defined $then && $i % 8 == 0);
        syswrite $sock, $first if length $first;
        push @slow, { what => $what, sock => $sock, then => $then };
    }
}
my $began = time;

# --- meanwhile ----------------------------------------------------------------------------

my ($longest, %status) = (0);
my $ask = sub {
    my ($bytes) = @_;
    my $answer = $enemy->send($bytes);
    $status{ $answer->{status} // 'none' }++;
    $longest = $answer->{waited} if $answer->{waited} > $longest;
};
my $bundle = '{"resourceType":"Bundle","type":"transaction","entry":[]}';
my $open   = @slow;
my %ended;
while (time < $began + $LOOK_S || ($open > $READERS && time < $began + $CLOSED_BY)) {
    for my $client (@slow) {
        next if !$client->{sock};
        # Reading what came last would be reading the answer.
        my $over = defined $client->{then} ? !defined Hostile::more($client->{sock}, 0) : 0;
        $over ||= !defined syswrite $client->{sock}, $client->{then} if length($client->{then} // '') && !$over;
        next if !$over;
        $ended{ $client->{what} }++;
        delete $client->{sock};
        $open--;
    }
    $ask->("GET /v3/fhir/Patient/nobody HTTP/1.1\r\n${auth}Connection: close\r\n\r\n");
    $ask->("POST /v3/fhir HTTP/1.1\r\n${auth}Connection: close\r\nContent-Type: application/fhir+json\r\nContent-Length: " . length($bundle) . "\r\n\r\n$bundle");
    sleep 0.2;
}
is_deeply [ sort keys %status ], [ 200, 404 ], 'others are served' or diag explain \%status;
cmp_ok $longest, '<', stretched(1), sprintf 'at once (the longest took %.2f s)', $longest;
for my $what (sort keys %kinds) {
    next if !defined $kinds{$what}[1];
    is $ended{$what} // 0, $SLOW, "$what: closed";
}

# What the slow readers find when they look at last: a part of an answer.
for my $client (grep { !defined $_->{then} } @slow) {
    my ($in, $end) = (0, time + 5);
    while (time < $end) {
        my $got = Hostile::more($client->{sock}, 1);
        last if !defined $got;
        $in += length $got;
    }
    $ended{ $client->{what} }++ if $in < 12_000_000 && time < $end;
}
is $ended{'an answer not read'}, $READERS, 'an answer not read: cut off';

my @temporary = glob "$run/nginx/{body,fastcgi}/*";
is_deeply \@temporary, [], 'and nothing is left in the temporary folders';

done_testing;

# Whatever a client sends, it gets an answer below 500 in the form of the
# address, or nothing because its request never ended. A property test: good
# requests of every kind, changed in one to three places by a generator whose
# seed is printed. BAD_INPUT_SEED and BAD_INPUT_REQUESTS set other runs.
#
# Afterwards the same processes serve as before, and are as small.

use strict;
use warnings;
use lib 't/lib';

use Hostile;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Stack;
use Test::More;

my $SEED     = $ENV{BAD_INPUT_SEED}     // 20260115;
my $REQUESTS = $ENV{BAD_INPUT_REQUESTS} // 2400;
my $CHILDREN = 4;

# A request that lacks bytes ends when we hang up, after so long.
my $PATIENCE_S = 0.4;

# What workers may keep beyond their size after the first, ordinary requests.
my $GROWTH_KIB = 24 * 1024;

my $stack = Stack->new;
my $enemy = Hostile->new($stack);
my $json  = JSON::PP->new->utf8->canonical->allow_nonref;
my $token = $stack->token;
my $basic = Stack::basic({ map { ($_ => $stack->env($_)) } qw(CLIENT_ID CLIENT_SECRET) });

sub pick { return $_[ rand @_ ] }
sub chance { return rand() < $_[0] }

# --- the good requests ------------------------------------------------------------

my %patient = (
    resourceType => 'Patient', id => 'victim', active => JSON::PP::true, gender => 'female', birthDate => '1970-01-02',
    identifier => [ { system => 'urn:mrn', value => '4711' } ],
    name       => [ { family => 'Test', given => [ 'A', 'B' ], _given => [ undef, { id => 'x' } ] } ],
    contact    => [ { name => { text => 'C' }, telecom => [ { system => 'phone', value => '1' } ] } ],
    contained  => [ { resourceType => 'Organization', id => 'o', name => 'O' } ],
    managingOrganization => { reference => '#o' },
    text      => { status => 'generated', div => '<div xmlns="http://www.w3.org/1999/xhtml"><p>T</p></div>' },
    extension => [ { url => 'http://example.org/x', extension => [ { url => 'y', valueDecimal => 1.5 } ] } ],
);
my %observation = (
    resourceType => 'Observation', status => 'final', code => { coding => [ { system => 'http://loinc.org', code => '1-8' } ], text => 'x' },
    subject => { reference => 'Patient/victim' }, effectiveDateTime => '2024-02-29T12:00:00+02:00',
    valueQuantity => { value => 1.1, unit => 'mg', system => 'http://unitsofmeasure.org', code => 'mg' },
    component => [ { code => { text => 'c' }, valueRange => { low => { value => 1 }, high => { value => 2 } } } ],
);
sub entry { my ($n, $resource, $method, $url) = @_; return { fullUrl => "urn:uuid:0000000$n-0000-4000-8000-000000000000", resource => $resource, request => { method => $method, url => $url } } }
my %bundle = (
    resourceType => 'Bundle', type => 'transaction',
    entry => [
        entry(1, { resourceType => 'Patient', generalPractitioner => [ { reference => 'urn:uuid:00000002-0000-4000-8000-000000000000' } ] }, 'POST', 'Patient'),
        entry(2, { resourceType => 'Practitioner', name => [ { family => 'P' } ] }, 'POST', 'Practitioner'),
        entry(3, { %observation, subject => { reference => 'urn:uuid:00000001-0000-4000-8000-000000000000' } }, 'POST', 'Observation'),
        entry(4, { %patient, id => 'victim2' }, 'PUT', 'Patient/victim2'),
        { request => { method => 'DELETE', url => 'Patient/victim3' } },
    ],
);

my @queries = (
    'name=test', 'identifier=urn:mrn|4711', 'birthdate=ge1970&birthdate=lt1971', '_id=victim,x', '_lastUpdated=gt2020-01-01',
    'family:exact=Test&_sort=-birthdate', '_count=5&_offset=3', 'gender=female&active=true', 'organization=Organization/1',
    'general-practitioner:Practitioner.name=x', 'name:missing=true', '_has:Observation:subject:code=1', '_sort=family,-_lastUpdated&_count=2',
    'telecom=phone|1', 'address-city=x&phonetic=y', '_elements=id&_summary=true', '_include=Patient:organization', '_filter=a', '_text=x',
    '_format=json&_pretty=true', 'deceased=false', 'birthdate=sa1970-01-02T10:00:00.000Z,eb2020',
);

sub fhir { my ($method, $path, $body) = @_; return { method => $method, path => "/v3/fhir$path", body => $body, type => 'application/fhir+json', token => 1 } }
my @kinds = (
    sub { return { method => 'GET', path => pick(qw(/health /.well-known/oauth-authorization-server /.well-known/jwks.json /v3/fhir/metadata)) } },
    sub { return fhir(GET => '/' . pick(qw(Patient Observation Condition Encounter)) . '?' . join '&', map { pick(@queries) } 0 .. rand 2) },
    sub { return fhir(GET => '/Observation?' . pick('code=http://loinc.org|1-8', 'date=2024', 'patient=Patient/victim&_sort=-date', 'value-quantity=1', 'combo-code-value-quantity=1$2')) },
    sub { return fhir(pick(qw(GET HEAD)) => '/Patient/victim' . pick('', '/_history', '/_history/1')) },
    sub { return fhir(POST => '/' . pick(qw(Patient Observation)), {%observation}) },
    sub { return fhir(POST => '/Patient', {%patient}) },
    sub { return fhir(PUT => '/Patient/victim', {%patient}) },
    sub { return fhir(DELETE => '/Patient/victim' . int rand 5) },
    sub { return fhir(POST => pick('', '/'), {%bundle}) },
    sub { return fhir(OPTIONS => '/Patient') },
    sub { return { method => pick(qw(GET POST)), path => '/v3/' . pick(qw(patients webhooks appointments/x)), token => 1, body => {}, type => 'application/json' } },
    sub {
        return {
            method => 'POST', path => '/oauth/token', type => 'application/x-www-form-urlencoded',
            body => 'grant_type=client_credentials&scope=system:read', fields => [ [ Authorization => $basic ] ],
        };
    },
);

# Bodies are where most can go wrong.
push @kinds, @kinds[ 4 .. 6, 8, 4 .. 6, 8 ];

# --- what a stranger writes ----------------------------------------------------------

my @odd_bytes = ("\0", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\r\n", "\n", "\r", "\t", "\x7f", "\x1b[31m", "\xe2\x80\xae", '%00', '%', '%zz', '%2', '%c0%af', '%ff', '%0d%0aX-Evil:%201');
my @odd_text  = (
    '', ' ', '-', '..', '.', '../../etc/passwd', '%2e%2e/', '%2F', '%252F', "'", '"', '\\', '\\|', '$', '$$', '|', '||', ',', ',,,', ':', '&', '=', '#', '*', '?', '_', '(', '1;drop table res', "' or 1=1--",
    '{}', '[]', 'null', 'true', '-1', '0', '1e999', '99999999999999999999999', '9223372036854775807', '-9223372036854775808', 'NaN', '0x10', '2024-13-45', '0000', '9999-12-31', '2024-02-30T25:61:61Z', '10000-01-01',
    'Patient/', 'Patient//', '/Patient/1', 'Patient/1/_history/', 'Patient/1/_history/99999999999', 'Nonsense/1', 'http://', 'http://[::1', 'urn:uuid:', 'urn:oid:1..2', '#', '#x', 'http://a/Patient/1?x#y', "\x{263a}", "\x{10ffff}", "\x{202e}", "a\x{300}" x 50,
);

sub odd_text {
    my $text = pick(
        sub { pick(@odd_text) }, sub { pick(@odd_bytes) }, sub { pick('a', '%41', '\\', ',', '/', '../', '%25') x pick(64, 65, 256, 3000) },
        sub { join '', map { chr rand 256 } 0 .. rand 40 }, sub { pick(@odd_text) . pick(@odd_text) },
    )->();
    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

# Any JSON text that is not what stood there.
sub odd_json {
    return pick(
        sub { pick(qw(null true false 0 -0 1e400 -1E-400 1.0000000000000000000000000000001 01 1. .5 +1 NaN [] {} "" tru '')) },
        sub { '9' x pick(20, 400, 5000) },
        (sub { $json->encode(pick(undef, JSON::PP::true, 0, -1, 1e30, '', [], {}, [ undef ], [ {} ], pick(@odd_text), { id => pick(@odd_text) }, { value => 1 }, { url => 'http://x' }, { system => 'http://loinc.org', code => 1 })) }) x 6,
        sub { '"\\' . pick('ud800', 'udc00\\ud800', 'u0000', 'u00', 'x', '', 'ud83d\\ude00', 'u0001') . '"' },
        sub { '[' x pick(10, 63, 64, 65, 5000) . pick('', '1', ']' x 65) },
        sub { '{"a":' x pick(10, 65, 5000) },
        sub { '"' . odd_text() . '"' },
        sub { $json->encode(pick(@odd_text)) },
        sub { '"' . 'x' x pick(300, 70_000, 900_000) . '"' },
        sub { '[' . join(',', ('1') x pick(100, 20_000)) . ']' },
        sub { '{' . join(',', map { qq("k$_":1) } 1 .. pick(100, 5000)) . '}' },
        sub { '{"reference":' . $json->encode(pick(@odd_text, 'Patient/victim', '#o', '#patient')) . '}' },
        sub { '{"resourceType":"' . pick(qw(Patient Bundle Nonsense Resource DomainResource Element Parameters Binary), '') . '"}' },
        sub { '{"fullUrl":1,"request":{"method":"' . pick(qw(TRACE GET PATCH post), '') . '","url":"' . pick('Patient?name=x', '/', '..', 'Patient/victim/_history/1', '$everything') . '"}}' },
        sub { '{"extension":[' x pick(3, 30, 70) . ']}' },
    )->();
}

sub change_json {
    my ($text) = @_;
    # Values, members and punctuation: cut at one of them.
    my @at;
    push @at, [ $-[0], $+[0] ] while $text =~ /"(?:[^"\\]++|\\.)*+"|-?\d[\d.]*|true|false|null|[\[\]{}:,]/g;
    return odd_json() if !@at;
    my ($from, $to) = @{ pick(@at) };
    my $new = pick(
        sub { odd_json() }, sub { '' },
        sub { substr($text, $from, $to - $from) x 2 },
        sub { substr($text, $from, $to - $from) . ',' . odd_json() },
        sub { my ($f, $t) = @{ pick(@at) }; substr $text, $f, $t - $f },
        sub { my $key = pick(qw("id" "resourceType" "meta" "_birthDate" "extension" "contained" "entry" "fullUrl" "reference" "url")); qq($key:) . odd_json() . ',' . substr $text, $from, $to - $from },
    )->();
    substr $text, $from, $to - $from, $new;
    return $text;
}

# --- what is done to a request ----------------------------------------------------------

sub set_field { my ($r, @field) = @_; push @{ $r->{fields} }, [@field]; return }

my @changes = (
    sub { $_[0]{method} = pick(qw(get FOO TRACE CONNECT PROPFIND PATCH POST PUT DELETE HEAD OPTIONS PRI), 'A' x 300, 'G T', "G\0T", '') },
    sub { my ($r) = @_; my $at = rand length $r->{path}; substr $r->{path}, $at, rand 3, odd_text(); $r->{moved} = 1 },
    sub { my ($r) = @_; my @part = split m{/}, $r->{path}, -1; $part[ rand @part ] = odd_text(); $r->{path} = join '/', @part; $r->{moved} = 1 },
    sub { my ($r) = @_; $r->{path} = pick('http://other.example', 'https://localhost', 'ftp://x', 'http://', '//evil') . $r->{path}; $r->{moved} = 1 },
    sub { my ($r) = @_; $r->{path} .= ($r->{path} =~ /\?/ ? '&' : '?') . pick(
            sub { join '&', map { odd_text() . '=' . odd_text() } 0 .. rand 5 },
            sub { join '&', ('_count=1') x pick(100, 1000) },
            sub { '_id=' . join ',', map { "a$_" } 1 .. pick(100, 1000) },
            sub { '_count=' . pick('', -1, 0, 1001, '99999999999999999999', '1e3', "1\0") },
            sub { '_offset=' . pick('', -1, 10_001, '99999999999999999999', 'x') },
            sub { '_cursor=' . pick('', 'x' x 500, encode_base64(join('', map { chr rand 256 } 0 .. rand 200), '') =~ tr{+/=}{-_}dr) },
            sub { '_sort=' . pick('', '-', ',', 'nonsense', '--name', join ',', ('name') x 50) },
            sub { pick(qw(name birthdate identifier code _lastUpdated)) . pick('', ':', ':exact', ':not', ':in', ':of-type', ':missing', ':contains', ':x:y') . '=' . odd_text() },
            sub { 'birthdate=' . pick(qw(eq ne gt lt ge le sa eb ap xx)) . odd_text() },
            sub { '&' x 5000 },
        )->() },
    sub { my ($r) = @_; set_field($r, pick(
            [ 'Content-Type', pick('text/plain', 'application/json; charset=latin1', 'application/xml', '', odd_text(), 'application/fhir+json; fhirVersion=9') ], [ 'Accept', pick('text/html', '*/*;q=9', ',,,;;;', odd_text(), 'application/fhir+json;' . 'q=1;' x 500) ],
            [ 'If-Match', pick('*', 'W/""', 'W/"99999999999"', 'x', odd_text(), 'W/"1",W/"2"') ], [ 'If-None-Match', pick('*', odd_text(), 'W/"1",' x 500) ], [ 'If-Modified-Since', pick('yesterday', 'Sun, 99 Foo 0000 99:99:99 GMT', odd_text()) ],
            [ 'If-None-Exist', odd_text() ], [ 'Prefer', pick('return=nonsense', 'handling=strict;' x 100, odd_text(), 'respond-async') ], [ 'X-HTTP-Method-Override', 'DELETE' ], [ 'Range', pick('bytes=0-0', 'bytes=-', 'bytes=' . '0-1,' x 500) ],
            [ 'Host', pick('', 'a b', 'evil.example', 'localhost:99999', odd_text(), '[::1') ], [ 'Accept-Encoding', pick('gzip', 'br', '*;q=0', odd_text()) ], [ 'Content-Encoding', 'gzip' ],
            [ 'Authorization', pick('Bearer', 'Bearer ', 'Basic ' . odd_text(), 'Bearer ' . odd_text(), "Bearer $token", 'Digest x') ], [ 'Expect', pick('100-continue', 'nonsense') ],
            [ 'Connection', pick('upgrade', 'keep-alive, Host', odd_text()) ], [ 'Upgrade', pick('h2c', 'websocket') ], [ 'Forwarded', 'for=evil' ], [ 'EDGE_TENANT', '1' ], [ odd_text(), odd_text() ], [ "X-\xff", "\xff" ], [ 'Trailer', 'Host' ], [ 'TE', 'trailers' ],
        )->@*) },
    sub { my ($r) = @_; set_field($r, "X-$_", 'y' x pick(1, 50)) for 1 .. pick(50, 600, 3000) },
    sub { my ($r) = @_; set_field($r, 'X', 'y' x pick(4000, 9000, 9300, 80_000)) },
    sub { $_[0]{version} = pick('HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'HTTP/1.10', 'HTTP/', 'http/1.1', '') },
    (sub { my ($r) = @_; $r->{body} = change_json($r->{body}) if length $r->{body} }) x 12,
    sub { my ($r) = @_; $r->{body} = change_json(change_json(change_json($r->{body}))) if length $r->{body} },
    sub { my ($r) = @_; return if !length $r->{body}; my $at = rand length $r->{body}; substr $r->{body}, $at, pick(0, 1, 5), pick(@odd_bytes) },
    sub { my ($r) = @_; $r->{body} = substr $r->{body}, 0, rand length $r->{body} },
    sub { my ($r) = @_; $r->{body} .= pick($r->{body}, 'x', "\0", ' ' x 100_000, '{}') },
    sub { my ($r) = @_; $r->{body} = "\xef\xbb\xbf$r->{body}" },
    sub { my ($r) = @_; $r->{body} = join '', map { chr rand 256 } 1 .. rand 3000 },
    sub { my ($r) = @_; $r->{body} = pick('grant_type=' . odd_text(), join('&', map { "a$_=1" } 1 .. 5000), '=&=&=', 'client_id=' . odd_text() . '&client_secret=' . odd_text(), 'a' x 300_000) if $r->{path} =~ /oauth/ },
    sub { my ($r) = @_; $r->{lengths} = pick([ -1 ], [ '' ], [ 'x' ], [ '1', '2' ], [ '+5' ], [ '0x10' ], [ '99999999999999999999' ], [ length($r->{body}) + 10 ], [ int length($r->{body}) / 2 ], [ '5, 5' ], []); $r->{short} = 1 },
    sub { my ($r) = @_; $r->{lengths} = []; $r->{chunked} = pick(1, 1, 2, 3); $r->{short} ||= $r->{chunked} > 1 },
    sub { my ($r) = @_; $r->{chunked} = 1; $r->{short} = 1 },
    sub { my ($r) = @_; set_field($r, 'Transfer-Encoding', pick('identity', 'gzip, chunked', 'chunked, chunked', 'xchunked', ' chunked', "\x0bchunked")); $r->{short} = 1 },
    sub { $_[0]{eol} = "\n" },
    sub { my ($r) = @_; push @{ $r->{late} }, sub { my ($bytes) = @_; substr $bytes, rand length $bytes, pick(0, 1, 20), pick(@odd_bytes); return $bytes }; $r->{short} = $r->{moved} = 1 },
    sub { my ($r) = @_; push @{ $r->{late} }, sub { my ($bytes) = @_; return substr $bytes, 0, rand length $bytes }; $r->{short} = $r->{moved} = 1 },
    sub { my ($r) = @_; push @{ $r->{late} }, sub { my ($bytes) = @_; my $at = rand length $bytes; my $n = rand 200; substr $bytes, $at, 0, substr $bytes, rand length $bytes, $n; return $bytes }; $r->{short} = $r->{moved} = 1 },
    sub { delete $_[0]{token} if chance(0.3) },
);

sub chunked {
    my ($body, $how) = @_;
    my $out = '';
    while (length $body) {
        my $part = substr $body, 0, 1 + rand 5000, '';
        $out .= sprintf "%x%s\r\n%s\r\n", length $part, ($how == 2 ? pick(';x=y', ';' . 'x' x 3000, ' ', 'g') : ''), $part;
    }
    return $out . ($how == 3 ? pick("-1\r\n", "ffffffffffffffffff\r\n", "0\r\nX: y\r\n\r\n", "\r\n", '') : "0\r\n\r\n");
}

sub bytes {
    my ($r) = @_;
    my $body = $r->{body};
    my @lines = (join ' ', $r->{method}, $r->{path}, $r->{version} // 'HTTP/1.1');
    $lines[0] =~ s/ $//;
    my @fields = ([ Host => 'localhost' ], [ Connection => 'close' ], @{ $r->{fields} // [] });
    push @fields, [ Authorization  => "Bearer $token" ] if $r->{token};
    push @fields, [ 'Content-Type' => $r->{type} ]      if defined $r->{type};
    push @fields, [ 'Content-Length' => $_ ] for @{ $r->{lengths} // (length $body || $r->{method} =~ /^P/ ? [ length $body ] : []) };
    if ($r->{chunked}) {
        push @fields, [ 'Transfer-Encoding' => 'chunked' ];
        $body = chunked($body, $r->{chunked});
    }
    my $eol = $r->{eol} // "\r\n";
    my $bytes = join($eol, @lines, (map { "$_->[0]: $_->[1]" } @fields), '', '') . $body;
    $bytes = $_->($bytes) for @{ $r->{late} // [] };
    return $bytes;
}

sub hostile_request {
    my $r = pick(@kinds)->();
    $r->{body} = ref $r->{body} ? $json->encode($r->{body}) : $r->{body} // '';
    my $face = Hostile::face($r->{path});
    my $was  = "$r->{method} $r->{path}";
    pick(@changes)->($r) for 0 .. rand 3;
    # A path that was changed, or cannot be read, may be anybody's.
    my @faces = $r->{moved} || $r->{path} =~ m{^/\.well-known/} ? qw(fhir oauth json) : ($face, $r->{method} =~ /^[A-Z]+$/ && ($r->{version} // 'HTTP/1.1') =~ m{^HTTP/1} ? () : 'json');
    return { bytes => bytes($r), faces => \@faces, short => $r->{short}, head => $r->{method} eq 'HEAD', was => $was, method => $r->{method} };
}

# --- the run ----------------------------------------------------------------------------

# Enough to see what it was, and no secret.
sub shown { my ($s) = @_; return (length $s > 700 ? substr($s, 0, 350) . ' ... ' . substr($s, -350) : $s) =~ s/eyJ[\w.-]+/TOKEN/gr =~ s/Basic \S+/Basic .../gr =~ s/([^ -~])/sprintf '\\x%02x', ord $1/gesr }

sub attack {
    my ($child, $out) = @_;
    srand $SEED + $child;
    for my $i (1 .. $REQUESTS / $CHILDREN) {
        my $r = hostile_request();
        my $secure = $i % 3 == 0;
        my $answer = eval { $enemy->send($r->{bytes}, secure => $secure, head => $r->{head}, $r->{short} ? (patience => $PATIENCE_S) : ()) } // { hung => 1, text => "$@" };
        my @faults = $enemy->judge($answer, @{ $r->{faces} });
        push @faults, 'no answer' if !@faults && !$answer->{status} && !$r->{short} && $r->{bytes} !~ m{^\S*\s+\S+$}m;
        my $line = $json->encode({ status => $answer->{status} // 'closed', waited => $answer->{waited}, faults => \@faults, @faults ? (was => $r->{was}, sent => shown($r->{bytes}), got => shown($answer->{text} // '')) : () });
        print {$out} "$line\n";
    }
    return;
}

# Ordinary requests first, so that each worker has its usual size.
$stack->put('/Patient/victim', body => \%patient);
is $stack->post('', body => \%bundle)->{status}, 200, 'the requests that are changed are good ones' for 1 .. 8;
$stack->get('/Patient/victim') for 1 .. 40;
my @workers = $stack->pids('backend');
my ($size, %size) = (0);
for my $pid (@workers) {
    $size += $size{$pid} = Hostile::pss($pid);
}
note "seed $SEED, $REQUESTS requests; backend $size KiB";

my @pipes;
for my $child (1 .. $CHILDREN) {
    my $pid = open my $pipe, '-|';
    defined $pid or die "fork: $!\n";
    if ($pid == 0) {
        attack($child, \*STDOUT);
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    push @pipes, $pipe;
}
my (%status, $bad);
my $longest = 0;
for my $pipe (@pipes) {
    while (my $line = <$pipe>) {
        my $result = $json->decode($line);
        $status{ $result->{status} }++;
        $longest = $result->{waited} if $longest < ($result->{waited} // 0);
        next if !@{ $result->{faults} };
        next if ++$bad > 40;
        fail "$result->{was}: " . join '; ', @{ $result->{faults} };
        diag "sent $result->{sent}\ngot  $result->{got}";
    }
    close $pipe;
}
my $all = 0;
$all += $_ for values %status;
is $all, $REQUESTS - $REQUESTS % $CHILDREN, 'every request was judged';
is $bad // 0, 0, 'and none met with a fault';
note sprintf '%s; the longest took %.1f s', join(', ', map { "$_: $status{$_}" } sort keys %status), $longest;

# --- large ones, whole --------------------------------------------------------------------

sub list { my ($n, $make) = @_; return join ',', map { $make->($_) } 1 .. $n }
sub bundle_of { return '{"resourceType":"Bundle","type":"transaction","entry":[' . $_[0] . ']}' }
sub uuid { return sprintf 'urn:uuid:00000000-0000-4000-8000-%012d', $_[0] }

my @large = (
    [ 'a value of 900 KB',           '/Patient', 422, sub { '{"resourceType":"Patient","gender":"' . 'x' x 900_000 . '"}' } ],
    [ 'a name of 900 KB',            '/Patient', 422, sub { '{"resourceType":"Patient","' . 'x' x 900_000 . '":1}' } ],
    [ '70,000 members',              '/Patient', 400, sub { '{"resourceType":"Patient",' . list(70_000, sub { qq("k$_[0]":1) }) . '}' } ],
    [ '8,000 contained resources',   '/Patient', 422, sub { '{"resourceType":"Patient","contained":[' . list(8000, sub { qq({"resourceType":"Organization","id":"c$_[0]","partOf":{"reference":"#c@{[ $_[0] + 1 ]}"}}) }) . ']}' } ],
    [ 'a div of 100,000 elements',   '/Patient', 422, sub { '{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">' . '<b>' x 100_000 . '</b>' x 100_000 . '</div>"}}' } ],
    [ '15,000,000 values',           '',         413, sub { '{"resourceType":"Bundle","x":[' . '1,' x 14_999_999 . '1]}' } ],
    [ 'a value of 30 MB',            '',         400, sub { '{"resourceType":"Bundle","type":"' . 'z' x 30_000_000 . '"}' } ],
    [ '20,000 entries',              '',         413, sub { bundle_of(list(20_000, sub { qq({"request":{"method":"DELETE","url":"Patient/d$_[0]"}}) })) } ],
    [ '15,000 names of one patient', '/Patient', 413, sub { '{"resourceType":"Patient","name":[' . list(15_000, sub { qq({"family":"name $_[0]","given":["a b"]}) }) . ']}' } ],
    [ '500,000 names',               '',         413, sub { bundle_of(list(35, sub { '{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient","name":[' . list(15_000, sub { qq({"family":"name $_[0]","given":["a b"]}) }) . ']}}' })) } ],
    [ '100 entries, each wrong',     '',         400, sub { bundle_of(list(100, sub { '{"request":{"method":"POST","url":"' . 'u' x 300_000 . '"}}' })) } ],
    [ 'a ring of 2,000 references',  '',         200, sub { bundle_of(list(2000, sub { sprintf '{"fullUrl":"%s","resource":{"resourceType":"Patient","link":[{"type":"seealso","other":{"reference":"%s"}}]},"request":{"method":"POST","url":"Patient"}}', uuid($_[0]), uuid($_[0] % 2000 + 1) })) } ],
);
for my $row (@large) {
    my ($what, $path, $status, $make) = @$row;
    my $began = time;
    my $res   = $stack->post($path, body => $make->());
    is $res->{status}, $status, "$what: $status" or diag substr $res->{content}, 0, 500;
    cmp_ok length $res->{content}, '<', 500_000, "$what: the answer is of a size to read";
    cmp_ok time - $began, '<', 10, "$what: soon";
}

# --- HTTP/2 --------------------------------------------------------------------------------

# nginx ends a connection whose header block is too large, with GOAWAY
# (ENHANCE_YOUR_CALM) instead of an answer: 0 here.
my @curl = (qw(curl -s -i --http2 --noproxy * --path-as-is -m 20 --cacert), $stack->env('CA_FILE'));
for my $row (
    [ 'a wrong token',     401, '/v3/fhir/Patient/1',           '-H', 'Authorization: Bearer x' ],
    [ 'dots in the path',  404, '/v3/fhir/Patient/%2e%2e/..%2f/x', '-H', "Authorization: Bearer $token" ],
    [ 'above the root',    400, '/v3/../../etc/passwd' ],
    [ 'a NUL',             400, '/v3/fhir/Patient/%00' ],
    [ 'a large header',    0,  , '/v3/fhir/Patient/1',           '-H', 'X: ' . 'y' x 40_000 ],
    [ 'many headers',      0,  , '/v3/fhir/Patient/1',           map { ('-H', "X-$_: " . 'y' x 100) } 1 .. 900 ],
    [ 'a long query',      0,  , '/v3/fhir/Patient?_id=' . 'z' x 40_000 ],
    [ 'another method',    405, '/v3/fhir/Patient/1',           '-X', 'BREW', '-H', "Authorization: Bearer $token" ],
    [ 'another Host',      404, '/v3/fhir/Patient/nobody',      '-H', 'Host: evil.example', '-H', "Authorization: Bearer $token" ],
    [ 'a body for a GET',  404, '/v3/fhir/Patient/nobody',      '-X', 'GET', '-d', 'x' x 100_000, '-H', "Authorization: Bearer $token" ],
) {
    my ($what, $status, $path, @more) = @$row;
    open my $pipe, '-|', @curl, @more, $stack->env('AUTH_URL') . $path or die "curl: $!\n";
    my $text = do { local $/ = undef; <$pipe> };
    close $pipe;
    if (!$status) {
        like $? >> 8, qr/^(?:16|18|52|55|56|92)$/, "HTTP/2, $what: the connection ends";
        next;
    }
    my ($body) = $text =~ /\r\n\r\n(.*)\z/s;
    like $text, qr{^HTTP/2 $status\b}, "HTTP/2, $what: $status" or diag substr $text, 0, 300;
    ok eval { decode_json($body); 1 }, "HTTP/2, $what: JSON";
}

# --- and then -------------------------------------------------------------------------------

is $stack->get('/Patient?name=test')->{status}, 200, 'afterwards a search is answered';
is $stack->post('/Patient', body => \%patient)->{status}, 201, 'and a write';
# A worker that a reload replaced stays as long as nginx may keep a connection:
# one may have left meanwhile, but none has come.
my @after = $stack->pids('backend');
is join(' ', grep { !exists $size{$_} } @after), '', 'by the same processes';
my $grown = Hostile::pss(@after);
$grown -= $size{$_} // 0 for @after;
cmp_ok $grown, '<', $GROWTH_KIB, "which have grown by $grown KiB";

done_testing;

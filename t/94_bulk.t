# Bulk data: an export is the records byte for byte, whatever is killed on the
# way; only its client reads it; it can be cancelled and goes by itself. An
# import writes each line once, and says which lines it refused.

use strict;
use warnings;
use lib 't/lib';

use JSON::PP;
use Pace qw(within);
use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { PATIENTS => 300, ENDS_WITHIN_S => 60 };

my $stack = Stack->new;
my $n     = time;
my $json  = JSON::PP->new->utf8;
my %async = (headers => { prefer => 'respond-async' });

sub client {
    my ($tenant, %options) = @_;
    return $stack->client(tenant => $tenant, name => 'bulk', tier => 'enterprise', hour => 1000000, minute => 1000000, %options);
}
my $clinic = $stack->tenant("bulk-$n");
my $other  = $stack->tenant("bulk-other-$n");
my $all    = 'system:read system:write system:admin patient:delete';
my %token  = (
    own     => $stack->token(client($clinic, scopes => $all)),
    second  => $stack->token(client($clinic, scopes => 'system:read')),
    third   => $stack->token(client($clinic, scopes => 'system:read')),
    poor    => $stack->token(client($clinic, scopes => 'patient:read')),
    foreign => $stack->token(client($other,  scopes => $all)),
);
$stack->settle;

sub ask { my ($method, $where, %o) = @_; return $stack->request($method, $where, token => $token{own}, %o) }

# Wait for the end of what was asked: the status's last answer.
sub ended {
    my ($asked, %o) = @_;
    my $url = $asked->{headers}{'content-location'} or return $asked;
    my $until = time + ENDS_WITHIN_S;
    my $res;
    do { sleep 0.2; $res = eval { ask(GET => $url, %o) } // { status => 0 } }
      while ($res->{status} == 202 || $res->{status} == 0 || $res->{status} == 502) && time < $until;
    return $res;
}

# The lines of all files of a role: { type => [line, ...] }.
sub lines_of {
    my ($manifest, $role, %o) = @_;
    my %lines;
    for my $file (@{ $manifest->{json}{$role} }) {
        my $res = ask(GET => $file->{url}, headers => { accept => 'application/fhir+ndjson' }, %o);
        is $res->{status}, 200, "$role of $file->{type}" or diag $res->{content};
        my @lines = split /\n/, $res->{content};
        is scalar @lines, $file->{count}, 'has as many lines as the manifest says';
        push @{ $lines{ $file->{type} } }, @lines;
    }
    return \%lines;
}

sub export { my ($where, %o) = @_; return ended(ask(GET => $where, %async, %o), %o) }

# --- records -----------------------------------------------------------------

# Bodies with line ends, with digits that a number loses, and with letters.
my %sent;
my @entry;
for my $i (1 .. PATIENTS) {
    push @entry, qq({"resource":{"resourceType":"Patient","id":"p$i",\n"name":[{"family":"M\\u00fcller\\n$i","given":["\xc3\x84nne"]}]},"request":{"method":"PUT","url":"Patient/p$i"}});
    push @entry, qq({"resource":{"resourceType":"Observation","id":"o$i","status":"final",\r\n "code":{"text":"x"},"subject":{"reference":"Patient/p$i"},"valueQuantity":{"value":1.10}},"request":{"method":"PUT","url":"Observation/o$i"}});
}
push @entry, '{"resource":{"resourceType":"Observation","id":"nobody","status":"amended","code":{"text":"x"}},"request":{"method":"PUT","url":"Observation/nobody"}}';
push @entry, '{"resource":{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/p1"}},{"entity":{"reference":"Patient/p2"}},{"entity":{"reference":"Patient/p3"},"inactive":true}]},"request":{"method":"PUT","url":"Group/g"}}';
my $load = ask(POST => '', body => '{"resourceType":"Bundle","type":"transaction","entry":[' . join(',', @entry) . ']}');
is $load->{status}, 200, 'records are loaded' or diag $load->{content};
is ask(DELETE => '/Patient/p300')->{status}, 204, 'one is deleted';
is ask(PUT => '/Patient/p299', body => '{"resourceType":"Patient","id":"p299","active":true}')->{status}, 200, 'and one changed';

# --- asking -------------------------------------------------------------------

is ask(GET => '/$export')->{status}, 400, 'without Prefer: respond-async an export is refused';
for my $bad ('_type=Nonsense', '_since=2020', '_outputFormat=csv', '_elements=id', 'includeAssociatedData=x', '_typeFilter=Patient', '_typeFilter=Patient%3Fnonsense=1',
    '_typeFilter=Patient%3F_sort=name', '_type=Patient&_typeFilter=Observation%3Fstatus=final') {
    my $res = ask(GET => "/\$export?$bad", %async);
    is $res->{status}, 400, "$bad is refused" or diag $res->{content};
    is $res->{json}{resourceType}, 'OperationOutcome', 'and an OperationOutcome says so';
}
is ask(GET => "/Observation/\$export", %async)->{status}, 404, 'there is none of other types';
is ask(GET => "/Group/none/\$export", %async)->{status}, 404, 'nor of a group that is not there';
is ask(GET => '/Patient/$export?_type=Location', %async)->{status}, 400, 'nor of what is in no patient\'s compartment';
is ask(GET => '/$export?_type=Observation', %async, token => $token{poor})->{status}, 403, 'a type without the right is refused when named';

# --- an export, while what does it is killed ---------------------------------

my $asked = ask(GET => '/$export', %async);
is $asked->{status}, 202, 'an export is accepted' or diag $asked->{content};
my $first = ask(GET => $asked->{headers}{'content-location'});
is $first->{status}, 202, 'it is not there at once';
ok $first->{headers}{'x-progress'}, 'but says how far it is';
ok $first->{headers}{'retry-after'}, 'and when to ask again';
my $done = ended($asked);
is $done->{status}, 200, 'it ends' or diag $done->{content};
my $manifest = $done->{json};
is $manifest->{request}, $stack->env('FHIR_URL') . '/$export', 'the manifest names what was asked';
ok $manifest->{requiresAccessToken}, 'its files need a token';
like $manifest->{transactionTime}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'and its time';
ok $done->{headers}{expires}, 'and when they go';
my $lines = lines_of($done, 'output');
is scalar @{ $lines->{Patient} }, PATIENTS - 1, 'every patient that lives is there once';
is scalar @{ $lines->{Observation} }, PATIENTS + 1, 'and every observation';
my @differ;
for my $type (qw(Patient Observation Group)) {
    for my $line (@{ $lines->{$type} }) {
        my $id = $json->decode($line)->{id};
        (my $stored = ask(GET => "/$type/$id")->{content}) =~ s/[\r\n]//g;
        push @differ, "$type/$id" if $stored ne $line;
    }
}
is "@differ", '', 'byte for byte what is read, without the line ends';
is scalar @{ $manifest->{deleted} }, 0, 'nothing is told of what was deleted before';

# Of whom it is.
my $url  = $asked->{headers}{'content-location'};
my $file = $manifest->{output}[0]{url};
for my $who (qw(foreign second)) {
    is ask(GET    => $url,  token => $token{$who})->{status}, 404, "$who: no status of another client's";
    is ask(GET    => $file, token => $token{$who})->{status}, 404, 'no file';
    is ask(DELETE => $url,  token => $token{$who})->{status}, 404, 'no cancelling';
}
is ask(GET => $file, token => '')->{status}, 401, 'nothing without a token';
is ask(GET => "$url/99")->{status}, 404, 'no file that is not there';
(my $direct = $file) =~ s{/v3/fhir/bulk/}{/twocare_bulk/};
is ask(GET => "$direct.ndjson")->{status}, 404, 'the folder itself is not served';
my $head = ask(HEAD => $file);
is $head->{status}, 200, 'HEAD of a file';
is $head->{headers}{'content-type'}, 'application/fhir+ndjson', 'says what it is';
like $head->{headers}{'x-request-id'} // '', qr/^req_/, 'with the id of the request';
my ($large) = map { $_->{url} } grep { $_->{type} eq 'Patient' } @{ $manifest->{output} };
is ask(GET => $large, headers => { 'accept-encoding' => 'gzip' })->{headers}{'content-encoding'}, 'gzip', 'files are compressed on demand';

# --- of patients, of a group, with filters ------------------------------------

my $of_patients = export('/Patient/$export?_type=Patient,Observation');
$lines = lines_of($of_patients, 'output');
is scalar @{ $lines->{Observation} }, PATIENTS, 'the export of Patient has what is about one';
$lines = lines_of(export('/Group/g/$export'), 'output');
is join(' ', sort map { $json->decode($_)->{id} } map { @$_ } values %$lines), 'g o1 o2 p1 p2', 'that of a group has its active members';
my $some = ended(ask(POST => '/Patient/$export', %async, body => { resourceType => 'Parameters', parameter => [
    { name => '_type', valueString => 'Patient,Observation' }, map { +{ name => 'patient', valueReference => { reference => "Patient/p$_" } } } 7, 9 ] }));
$lines = lines_of($some, 'output');
is join(' ', sort map { $json->decode($_)->{id} } map { @$_ } values %$lines), 'o7 o9 p7 p9', 'patients can be named';
$lines = lines_of(export('/$export?_type=Observation,Patient&_typeFilter=Observation%3Fstatus=amended&_typeFilter=Observation%3Fpatient=p5'), 'output');
is join(' ', sort map { $json->decode($_)->{id} } @{ $lines->{Observation} }), 'nobody o5', 'filters: either of them';
is scalar @{ $lines->{Patient} }, PATIENTS - 1, 'and the type without one is whole';

# --- since --------------------------------------------------------------------

is ask(PUT => '/Patient/p5', body => { resourceType => 'Patient', id => 'p5', active => JSON::PP::true })->{status}, 200, 'a record changes';
is ask(DELETE => '/Patient/p6')->{status}, 204, 'and one goes';
my $since = export("/\$export?_since=$manifest->{transactionTime}");
$lines = lines_of($since, 'output');
is join(' ', sort map { $json->decode($_)->{id} } map { @$_ } values %$lines), 'p5', '_since: what has changed, nothing else';
$lines = lines_of($since, 'deleted');
is join(' ', map { $json->decode($_)->{entry}[0]{request}{url} } @{ $lines->{Bundle} }), 'Patient/p6', 'and what was deleted';

# --- rights -------------------------------------------------------------------

my $poor = export('/$export', token => $token{poor});
is join(' ', grep { $_ eq 'Observation' } map { $_->{type} } @{ $poor->{json}{output} }), '', 'types without the right are left out';
ok scalar(grep { $_->{type} eq 'Patient' } @{ $poor->{json}{output} }), 'the others are there';

# --- cancelling, and too many ---------------------------------------------------

my @many = map { ask(GET => '/$export', %async, token => $token{third}) } 1 .. 4;
is join(' ', map { $_->{status} } @many), '202 202 202 429', 'three at once, not four';
ok $many[3]{headers}{'retry-after'}, 'and when to ask again';
for my $one (@many[0 .. 2]) {
    is ask(DELETE => $one->{headers}{'content-location'}, token => $token{third})->{status}, 202, 'cancelled';
    is ask(GET => $one->{headers}{'content-location'}, token => $token{third})->{status}, 404, 'and not there any more';
}
sub folder { my ($where) = @_; my ($id) = $where =~ m{/bulk/([^/]+)}; return $stack->env('STATE_DIR') . "/bulk/$id" }
ok -d folder($url), 'a done one has files';
is ask(DELETE => $url)->{status}, 202, 'it can be taken away, too';
is ask(GET => $file)->{status}, 404, 'its files are not there at once';
ok within(30, sub { !-e folder($url) && !grep { -e folder($_->{headers}{'content-location'}) } @many[0 .. 2] }), 'and are deleted soon';

# --- kill -9 ------------------------------------------------------------------

sub kill_jobs { kill KILL => $_ for reverse $stack->pids('jobs'); return }

# A task worker dies again and again while an import runs, and then an export.
my $lines_sent = 4000;
my @input = map { qq({"resourceType":"Basic","id":"b$_","code":{"text":"x"}}) } 1 .. $lines_sent;
$input[9]   = '{"resourceType":"Basic","id":"b10","code":{"text":"x"},"nonsense":1}';
$input[99]  = 'this is no JSON';
$input[199] = '{"resourceType":"AuditEvent","id":"x"}';
$input[299] = '{"resourceType":"Basic","code":{"text":"without an id"}}';
$input[399] = '';
my $import = ask(POST => '/$import', %async, body => join("\n", @input) . "\n", headers => { prefer => 'respond-async', 'content-type' => 'application/fhir+ndjson' });
is $import->{status}, 202, 'an import is accepted' or diag $import->{content};
for (1 .. 6) { sleep 0.4; kill_jobs() }
my $imported = ended($import);
is $imported->{status}, 200, 'it ends, though what does it was killed';
is_deeply $imported->{json}{extension}, { lines => $lines_sent, written => $lines_sent - 4, refused => 3 }, 'it says what it did'
  or diag $imported->{content};
my $refused = lines_of($imported, 'error')->{OperationOutcome};
is join(' ', map { $json->decode($_)->{issue}[0]{details}{text} =~ /line (\d+)/ } @$refused), '10 100 200', 'and which lines it refused';
is scalar(grep { $json->decode($_)->{issue}[1]{severity} ne 'error' } @$refused), 0, 'and why';
my $count = ask(GET => '/Basic?_summary=count&_total=accurate')->{json}{total};
is $count, $lines_sent - 4, 'each of the others is written';
is ask(GET => '/Basic?_id=b1')->{json}{entry}[0]{resource}{meta}{versionId}, '1', 'once';
my $versions = 0;
for my $i (map { $_ * 100 + 51 } 0 .. 39) { $versions += ask(GET => "/Basic/b$i/_history")->{json}{total} }
is $versions, 40, 'none twice';

my $long = ask(GET => '/$export?_type=Basic,Patient,Observation', %async);
for (1 .. 8) { sleep 0.7; kill_jobs() }
my $survived = ended($long);
is $survived->{status}, 200, 'an export survives kill -9' or diag $survived->{content};
my %seen;
$seen{ $json->decode($_)->{id} }++ for @{ lines_of($survived, 'output')->{Basic} };
is scalar keys %seen, $lines_sent - 4, 'without a loss';
is scalar(grep { $_ > 1 } values %seen), 0, 'and without a duplicate';

# --- who may import -------------------------------------------------------------

my %lines = (body => "{}\n", headers => { prefer => 'respond-async', 'content-type' => 'application/fhir+ndjson' });
is ask(POST => '/$import', %lines, token => $token{second})->{status}, 403, 'only administrators import';
is ask(POST => '/$import', %lines, headers => { 'content-type' => 'application/fhir+ndjson' })->{status}, 400, 'asynchronously';
is ask(POST => '/$import', %async, body => { resourceType => 'Parameters' })->{status}, 415, 'and nothing is fetched from elsewhere';
is ask(POST => '/$import', %lines, body => '')->{status}, 400, 'nor without lines';

# --- expiry ---------------------------------------------------------------------

# What the clock does in a day, the row says now.
my $expired = folder($survived->{json}{output}[0]{url});
ok -d $expired, 'the files of an export are there';
my $pg = $stack->env('PG_URL');
is system('psql', '-qX', '-d', $pg, '-c', q(update task set expires = now() - interval '1 s' where state = 'done')), 0, 'a day passes';
is ask(GET => $long->{headers}{'content-location'})->{status}, 404, 'what has expired is not there';
is ask(GET => $survived->{json}{output}[0]{url})->{status}, 404, 'nor are its files';
ok within(30, sub { !-e $expired }), 'which are deleted';

done_testing;

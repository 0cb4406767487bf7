# Transactions: all or nothing, references rewritten, problems named. Batches:
# each entry for itself.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;

sub bundle { return { resourceType => 'Bundle', type => 'transaction', entry => [@_] } }

sub entry {
    my ($method, $url, $resource, $full) = @_;
    return {
        ($resource ? (resource => $resource) : ()),
        ($full     ? (fullUrl  => $full)     : ()),
        request => { method => $method, url => $url },
    };
}

sub transact { return $stack->post('', body => bundle(@_)) }

my $urn = 'urn:uuid:0b9a8a1e-7f3c-4f0a-9a7b-000000000001';
my $res = transact(
    entry('POST', 'Observation', { resourceType => 'Observation', status => 'final', code => { text => 'x' }, subject => { reference => $urn } }),
    entry('POST', 'Patient', { resourceType => 'Patient', name => [ { family => 'Bundled' } ] }, $urn),
);
is $res->{status}, 200, 'a transaction' or diag $res->{content};
is $res->{json}{type}, 'transaction-response', 'is answered by its response';
is_deeply [ map { $_->{response}{status} =~ s/ .*//r } @{ $res->{json}{entry} } ], [ 201, 201 ], 'an entry for an entry';
my @where = map { $_->{response}{location} =~ m{(\w+/[^/]+)/_history/1$} ? $1 : '' } @{ $res->{json}{entry} };
like $where[0], qr{^Observation/}, 'in the order of the request';
my $observation = $stack->get("/$where[0]");
is $observation->{json}{subject}{reference}, $where[1], 'urn:uuid became the new id';
is $stack->get("/Observation?subject=$where[1]")->{json}{entry}[0]{resource}{id}, $observation->{json}{id}, 'and is found by it';

my $own = 'tx.' . time;
$res = transact(
    entry('PUT', "Patient/$own", { resourceType => 'Patient', id => $own }),
    entry('PUT', 'Patient/bad', { resourceType => 'Patient', id => 'bad', gender => 'x' }),
);
is $res->{status}, 422, 'one bad entry refuses the bundle';
like $res->{content}, qr/Bundle\.entry\[1\]/, 'and is named by its index';
is $stack->get("/Patient/$own")->{status}, 404, 'nothing of it was done';

$res = transact(
    entry('PUT', "Patient/$own", { resourceType => 'Patient', id => $own }),
    entry('PUT', "Patient/$own", { resourceType => 'Patient', id => $own }),
);
is $res->{status}, 400, 'the same record twice is refused';

$res = transact(entry('PUT', "Patient/$own", { resourceType => 'Patient', id => $own }), entry('DELETE', "Patient/$own.x"));
is $res->{status}, 200, 'PUT and DELETE';
is $stack->get("/Patient/$own")->{status}, 200, 'done';

is transact(entry('POST', 'Nonsense', { resourceType => 'Nonsense' }))->{status}, 400, 'an unknown type'
  or diag 'see above';
is transact({ resource => { resourceType => 'Patient' } })->{status}, 400, 'an entry without request';
is $stack->post('', body => { resourceType => 'Patient' })->{status}, 400, 'no Bundle';
is $stack->post('', body => { resourceType => 'Bundle', type => 'searchset' })->{status}, 400, 'not a transaction';
is transact()->{status}, 200, 'an empty one is fine';

# The order of the work is DELETE, POST, PUT, GET, that of the answer the
# request's; links to absolute addresses of entries become the new ids.
my $away = 'https://elsewhere.example.org/fhir/Organization/7';
$res = transact(
    entry('GET', "Patient/$own.order"),
    entry('PUT', "Patient/$own.order", { resourceType => 'Patient', id => "$own.order", managingOrganization => { reference => $away } }),
    entry('POST', 'Organization', { resourceType => 'Organization', name => 'Away' }, $away),
    entry('DELETE', "Patient/$own"),
);
is $res->{status}, 200, 'all four verbs' or diag $res->{content};
my @done = @{ $res->{json}{entry} };
is_deeply [ map { $_->{response}{status} =~ s/ .*//r } @done ], [ 200, 201, 201, 204 ], 'answered in the order of the request';
my ($organization) = $done[2]{response}{location} =~ m{(Organization/[^/]+)};
is $done[0]{resource}{managingOrganization}{reference}, $organization, 'the GET sees what was written, with its link';
is $stack->get("/Patient/$own")->{status}, 410, 'and what was deleted is gone';
is transact(map { entry('POST', 'Patient', { resourceType => 'Patient' }, $urn) } 1, 2)->{status}, 400, 'a fullUrl twice is refused';
$res = transact(entry('POST', 'Observation', { resourceType => 'Observation', status => 'final', code => { text => 'x' }, subject => { reference => $urn } }));
is $res->{status}, 422, 'a link to an entry that is not there';
like $res->{content}, qr/\Q$urn\E/, 'is named';

# What a transaction reads may be anything that GET answers, and is read before
# the commit.
$res = transact(
    entry('PUT', "Patient/$own.get", { resourceType => 'Patient', id => "$own.get", name => [ { family => "Seen$$" } ] }),
    entry('GET', "Patient?family=Seen$$"),
    entry('GET', "/Patient/$own.get/_history"),
    entry('GET', "Patient/$own.none"),
    { request => { method => 'GET', url => "Patient/$own.get", ifNoneMatch => 'W/"1"' } },
);
is $res->{status}, 200, 'a transaction that reads' or diag $res->{content};
@done = @{ $res->{json}{entry} };
is_deeply [ map { $_->{response}{status} } @done ], [ '201 Created', '200 OK', '200 OK', '404 Not Found', '304 Not Modified' ], 'with an answer for each';
is $done[1]{resource}{entry}[0]{resource}{id}, "$own.get", 'a search finds what was written';
is $done[2]{resource}{type}, 'history', 'a history';
is $done[3]{response}{outcome}{resourceType}, 'OperationOutcome', 'what is missing is explained';
ok !$done[4]{resource}, 'and what is known is not sent';
my $reader = $stack->client(tenant => 'sandbox', name => 'bundle-reader', scopes => 'patient:read');
my @forbidden = (entry('GET', "Patient/$own.get"), entry('GET', 'Observation?status=final'));
is $stack->post('', body => bundle(@forbidden), token => $stack->token($reader))->{status}, 403, 'who may not read one entry may not run it';

# Prefer says what the entries show.
for my $row ([ '', '', '' ], [ 'return=representation', 'Patient', '' ], [ 'return=OperationOutcome', '', 'OperationOutcome' ]) {
    my ($prefer, $resource, $outcome) = @$row;
    for my $type (qw(transaction batch)) {
        my $body = { resourceType => 'Bundle', type => $type, entry => [ entry('POST', 'Patient', { resourceType => 'Patient' }) ] };
        my ($one) = @{ $stack->post('', body => $body, headers => { prefer => $prefer })->{json}{entry} };
        is $one->{resource}{resourceType} // '', $resource, "$type, Prefer '$prefer': the resource";
        is $one->{response}{outcome}{resourceType} // '', $outcome, "$type, Prefer '$prefer': the outcome";
        like $one->{response}{location}, qr{^Patient/[a-z0-9]+/_history/1$}, "$type: a relative location";
        like $one->{response}{lastModified}, qr/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/, "$type: to the millisecond";
    }
}

# --- batches: R4 http.html#transaction

sub batch { return $stack->post('', body => { resourceType => 'Bundle', type => 'batch', entry => [@_] }) }

sub asked {
    my ($entry, %request) = @_;
    %{ $entry->{request} } = (%{ $entry->{request} }, %request);
    return $entry;
}

my $b = "$own.batch";
my %o = (resourceType => 'Observation', status => 'final', code => { text => 'x' });
my @batch = (
    # entry                                                                                                    status
    [ entry('GET', "Patient/$b"),                                                                                200, 'a read, done last' ],
    [ entry('PUT', "Patient/$b", { resourceType => 'Patient', id => $b, name => [ { family => "Batch$$" } ] }),   201, 'an update-as-create' ],
    [ entry('POST', 'Patient', { resourceType => 'Patient', gender => 'x' }),                                    422, 'an invalid one' ],
    [ entry('POST', 'Patient', { resourceType => 'Patient' }),                                                   201, 'a creation' ],
    [ entry('DELETE', "Patient/$own.get"),                                                                       204, 'a deletion' ],
    [ entry('GET', "Patient/$own.none"),                                                                         404, 'nothing there' ],
    [ entry('GET', "Patient?family=Batch$$&_format=json"),                                                       200, 'a search' ],
    [ entry('GET', 'Patient?nonsense=1'),                                                                        400, 'a bad search' ],
    [ entry('GET', "Patient/$b/_history/1"),                                                                     200, 'a vread' ],
    [ entry('GET', 'metadata'),                                                                                  200, 'metadata' ],
    [ entry('GET', 'Nonsense/1'),                                                                                404, 'no type' ],
    [ entry('PATCH', 'Patient/1'),                                                                               400, 'a patch without one' ],
    [ entry('POST', 'Patient/1', { resourceType => 'Patient' }),                                                 405, 'a method that is not offered' ],
    [ entry('POST', 'Observation', { %o, subject => { reference => $urn } }),                                    422, 'a link to an entry that is created' ],
    [ entry('POST', 'Patient', { resourceType => 'Patient' }, $urn),                                             201, 'which is' ],
    [ entry('POST', 'Observation', { %o, subject => { reference => "Patient/$b" } }),                            201, 'a link to one that has its id' ],
    [ entry('POST', '', undef),                                                                                  400, 'an empty url' ],
    [ entry('POST', '/', { resourceType => 'Bundle', type => 'batch' }),                                         400, 'a Bundle in a Bundle' ],
    [ entry('GET', "../../oauth/token"),                                                                         404, 'an address outside' ],
    [ entry('GET', "Patient/$b", { resourceType => 'Patient' }),                                                 400, 'a read with a resource' ],
    [ {},                                                                                                        400, 'no request' ],
    [ entry('PUT', "Patient/$b.x", { resourceType => 'Patient', id => "$b.y" }),                                 400, 'ids that differ' ],
    [ entry('PUT', "Patient?identifier=$b.p", { resourceType => 'Patient', identifier => [ { value => "$b.p" } ] }), 201, 'a conditional update' ],
    [ entry('PUT', 'Patient?nonsense=1', { resourceType => 'Patient' }),                                         400, 'a criterion that is none' ],
    [ asked(entry('GET', "Patient/$b"), ifNoneMatch => 'W/"1"'),                                                 304, 'ifNoneMatch' ],
    [ asked(entry('GET', "Patient/$b"), ifModifiedSince => 'Sun, 06 Nov 1994 08:49:37 GMT'),                     200, 'ifModifiedSince' ],
    [ asked(entry('DELETE', "Patient/$where[1]"  =~ s/Patient\/Patient/Patient/r), ifMatch => 'W/"7"'),          412, 'ifMatch, another version' ],
    [ asked(entry('PUT', "Patient/$b.m", { resourceType => 'Patient', id => "$b.m" }), ifMatch => '*'),          412, 'ifMatch: *' ],
    [ asked(entry('PUT', "Patient/$b.n", { resourceType => 'Patient', id => "$b.n" }), ifNoneMatch => '*'),      201, 'ifNoneMatch: *' ],
    [ asked(entry('PUT', "Patient/$b.o", { resourceType => 'Patient', id => "$b.o" }), ifMatch => 7),            400, 'ifMatch, no string' ],
);
$res = batch(map { $_->[0] } @batch);
is $res->{status}, 200, 'a batch' or diag $res->{content};
is $res->{json}{type}, 'batch-response', 'is answered by its response';
@done = @{ $res->{json}{entry} // [] };
is scalar @done, scalar @batch, 'an entry for an entry';
for my $i (0 .. $#batch) {
    my (undef, $status, $what) = @{ $batch[$i] };
    like $done[$i]{response}{status}, qr/^$status \w/, "$what: $status" or diag explain $done[$i];
    is +($done[$i]{response}{outcome} // {})->{resourceType} // '', $status < 400 ? '' : 'OperationOutcome', "$what: outcome";
}
is $done[0]{resource}{id}, $b, 'the read sees what the batch wrote, for it is done last';
is $done[6]{resource}{entry}[0]{resource}{id}, $b, 'and so does the search';
is $done[2]{response}{outcome}{issue}[0]{expression}[0], 'Patient.gender', 'an issue is named as of a request of its own';
is $done[1]{response}{etag}, 'W/"1"', 'an ETag';
is $stack->get("/Patient/$own.get")->{status}, 410, 'what was deleted is';
$res = $stack->post('', body => { resourceType => 'Bundle', type => 'batch', entry => \@forbidden }, token => $stack->token($reader));
is_deeply [ map { $_->{response}{status} } @{ $res->{json}{entry} } ], [ '410 Gone', '403 Forbidden' ], 'rights are those of each entry';
is batch()->{json}{type}, 'batch-response', 'an empty one is fine';
is batch(map { entry('GET', 'Patient/none') } 1 .. 2001)->{status}, 413, 'more than 2,000 entries are refused';
is scalar(grep { $_->{response}{status} =~ /^201/ } @{ batch(map { entry('POST', 'Patient', { resourceType => 'Patient' }) } 1 .. 200)->{json}{entry} }), 200, '200 are done';

# 2,600 entries in 16 MB are within all limits.
my $text = 'x' x 5900;
my @many = map {
    entry('POST', 'Observation', {
        resourceType => 'Observation', status => 'final', code => { text => "large $_" },
        subject => { reference => $urn }, effectiveDateTime => '2025-01-01', note => [ { text => $text } ],
    })
} 1 .. 2599;
my $large = $stack->{json}->encode(bundle(entry('POST', 'Patient', { resourceType => 'Patient' }, $urn), @many));
cmp_ok length $large, '>', 15_500_000, 'a bundle of 16 MB';
$res = $stack->post('', body => $large);
is $res->{status}, 200, 'is taken' or diag substr $res->{content}, 0, 500;
is scalar @{ $res->{json}{entry} // [] }, 2600, 'with 2,600 entries';

done_testing;

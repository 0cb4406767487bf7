# Transactions: all or nothing, references rewritten, problems named.

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

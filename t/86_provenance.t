# X-Provenance: stored with the write, about the version that it made. R4
# provenance.html#header

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $own   = "prov-$$";
my $json  = $stack->{json};

sub provenance { my (%more) = @_; return $json->encode({ resourceType => 'Provenance', recorded => '2026-01-15T10:30:00Z', agent => [ { who => { display => 'Dr. Provenance' } } ], %more }) }
sub with { return (headers => { 'x-provenance' => provenance(@_) }) }
sub patient { return { resourceType => 'Patient', @_ } }

# The Provenances about a record: each as the versions that it is about.
sub about { my ($where) = @_; return map { join ' ', map { $_->{reference} } @{ $_->{resource}{target} } } reverse @{ $stack->get("/Provenance?target=$where")->{json}{entry} // [] } }

my $res = $stack->post('/Patient', body => patient(), with());
is $res->{status}, 201, 'a creation' or diag $res->{content};
my $where = "Patient/$res->{json}{id}";
is_deeply [ about($where) ], ["$where/_history/1"], 'has its provenance';
my $stored = $stack->get("/Provenance?target=$where")->{json}{entry}[0]{resource};
is $stored->{agent}[0]{who}{display}, 'Dr. Provenance', 'as it was sent';

my ($id) = $where =~ m{/(.*)};
is $stack->put("/$where", body => patient(id => $id, gender => 'male'), with())->{status}, 200, 'an update';
is $stack->put("/Patient?_id=$id", body => patient(gender => 'female'), with())->{status}, 200, 'a conditional one';
is $stack->request('PATCH', "/$where", body => [ { op => 'replace', path => '/gender', value => 'other' } ], type => 'application/json-patch+json', with())->{status}, 200, 'a patch';
is $stack->post('/Patient', body => patient(), headers => { 'if-none-exist' => "_id=$id", 'x-provenance' => provenance() })->{status}, 200, 'a conditional creation of what is there';
is $stack->delete("/$where", with())->{status}, 204, 'a deletion';
is $stack->delete("/$where", with())->{status}, 204, 'and one of nothing';
is_deeply [ sort(about($where)) ], [ map { "$where/_history/$_" } 1 .. 5 ], 'what changed something is told, and nothing else';

$res = $stack->post('', body => { resourceType => 'Bundle', type => 'transaction', entry => [ map { { resource => patient(id => "$own.$_"), request => { method => 'PUT', url => "Patient/$own.$_" } } } 1 .. 3 ] }, with());
is $res->{status}, 200, 'a transaction' or diag $res->{content};
is_deeply [ about("Patient/$own.2") ], [ join ' ', map { "Patient/$own.$_/_history/1" } 1 .. 3 ], 'has one about all of it';
$res = $stack->post('', body => { resourceType => 'Bundle', type => 'batch', entry => [ map { { resource => patient(id => "$own.$_"), request => { method => 'PUT', url => "Patient/$own.$_" } } } 4 .. 5 ] }, with());
is_deeply [ about("Patient/$own.$_") ], ["Patient/$own.$_/_history/1"], 'of a batch each entry has its own' for 4, 5;

# What is wrong with it undoes the write.
for (
    [ '{',                                                              400, 'is not valid JSON' ],
    [ '[]',                                                             400, 'must be a Provenance' ],
    [ '{"resourceType":"Patient"}',                                     400, 'must be a Provenance' ],
    [ provenance(target => [ { reference => 'Patient/1' } ]),           400, 'must not have a target' ],
    [ '{"resourceType":"Provenance"}',                                  422, '' ],
    [ provenance(agent => [ { who => { reference => 'Nonsense/1' } } ]), 422, '' ],
  )
{
    my ($header, $status, $says) = @$_;
    $res = $stack->put("/Patient/$own.bad", body => patient(id => "$own.bad"), headers => { 'x-provenance' => $header });
    is $res->{status}, $status, "$status: $header" or diag $res->{content};
    like $res->{json}{issue}[0]{expression}[0], qr/^X-Provenance/, 'names the header';
    like $res->{json}{issue}[0]{details}{text}, qr/$says/i, $says;
}
is $stack->get("/Patient/$own.bad")->{status}, 404, 'nothing was written';
my $client = $stack->token($stack->client(tenant => 'sandbox', name => 'prov', scopes => 'patient:read patient:write'));
is $stack->post('/Patient', body => patient(), token => $client, with())->{status}, 403, 'it needs the right to store one';

done_testing;

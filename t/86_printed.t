# Every FHIR request that the specification prints, as it is printed.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $id    = 'example-patient-id';
my %smith = (
    resourceType => 'Patient', id => $id, active => \1, gender => 'male', birthDate => '1980-05-15',
    identifier => [ { use => 'official', system => 'http://hospital.org/mrn', value => '12345' } ],
    name       => [ { use => 'official', family => 'Smith', given => [ 'John', 'Robert' ] } ],
    telecom    => [ { system => 'phone', value => '+1-555-123-4567', use => 'home' }, { system => 'email', value => 'john.smith@example.com' } ],
    address    => [ { use => 'home', line => ['123 Main Street'], city => 'Springfield', state => 'IL', postalCode => '62701', country => 'USA' } ],
);
sub found { return map { $_->{resource}{id} } @{ $_[0]{json}{entry} // [] } }

is $stack->put("/Patient/$id", body => \%smith)->{status}, 201, 'the printed patient';
my $res = $stack->get("/Patient/$id", headers => { accept => 'application/fhir+json' });
is $res->{status}, 200, "GET Patient/$id";
is $res->{headers}{'content-type'}, 'application/fhir+json', 'as it was asked for';
is $res->{json}{meta}{versionId}, '1', 'with its version';
is_deeply $res->{json}{$_}, $smith{$_}, $_ for qw(identifier name telecom gender birthDate address);

my %o = (resourceType => 'Observation', status => 'final', code => { text => 'x' }, subject => { reference => "Patient/$id" });
$stack->post('/Observation', body => { %o, effectiveDateTime => $_ }) for qw(2024-06-01 2025-03-01 2025-07-01);
$res = $stack->get("/Observation?patient=$id&date=ge2025-01-01&_sort=-date");
is_deeply [ map { $_->{resource}{effectiveDateTime} } @{ $res->{json}{entry} } ], [qw(2025-07-01 2025-03-01)], 'by patient and date, the newest first';
$res = $stack->get("/Observation?patient=$id&date=ge2025-01-01&date=le2025-12-31");
is scalar found($res), 2, 'a range of dates';

is scalar(grep { $_ eq $id } found($stack->get('/Patient?name=Smith'))), 1, '?name=Smith';
is scalar(grep { $_ eq $id } found($stack->get('/Patient?name:contains=Smi'))), 1, '?name:contains=Smi';
is $stack->get("/$_")->{status}, 200, $_ for 'MedicationRequest?status=active,suspended', 'Patient?_sort=name', 'Observation?_sort=-date', 'Patient?_count=50&_offset=100', 'Patient?_include=Patient:organization';

$res = $stack->post('/Patient', body => { resourceType => 'Patient', identifier => [ { system => 'http://hospital.org/mrn', value => '67890' } ], name => [ { family => 'Doe', given => ['Jane'] } ], gender => 'female', birthDate => '1990-08-22' });
is $res->{status}, 201, 'POST Patient';
$res = $stack->put("/Patient/$id", body => \%smith, headers => { 'if-match' => 'W/"1"' });
is $res->{status}, 200, "PUT Patient/$id of version 1";
is $stack->put("/Patient/$id", body => \%smith, headers => { 'if-match' => 'W/"1"' })->{status}, 412, 'which is the past then';

$res = $stack->post('', body => { resourceType => 'Bundle', type => 'batch', entry => [
    { request => { method => 'POST', url => 'Patient' }, resource => { resourceType => 'Patient' } },
    { request => { method => 'GET', url => "Patient/$id" } },
] });
is $res->{status}, 200, 'POST of a batch';
is_deeply [ map { $_->{response}{status} } @{ $res->{json}{entry} } ], [ '201 Created', '200 OK' ], 'with an answer for each entry';

done_testing;

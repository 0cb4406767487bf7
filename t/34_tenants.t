# Two tenants never see each other, and a scope allows what it says.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $n     = time;

sub clinic {
    my ($name, %options) = @_;
    $stack->tenant("$name-$n");
    return $stack->client(tenant => "$name-$n", name => $name, tier => 'enterprise', hour => 1000000, minute => 1000000, %options);
}

my %token = map { ($_ => $stack->token(clinic($_))) } qw(north south);

my $secret = { resourceType => 'Patient', id => 'shared-id', name => [ { family => 'Northern' } ], identifier => [ { system => 'urn:mrn', value => '7' } ] };
is $stack->put('/Patient/shared-id', token => $token{north}, body => $secret)->{status}, 201, 'the north has a record';

for my $path ('/Patient/shared-id', '/Patient/shared-id/_history/1', '/Patient/shared-id/_history') {
    is $stack->get($path, token => $token{south})->{status}, 404, "$path does not exist for the south";
}
for my $search ('name=northern', 'identifier=urn:mrn|7', '_id=shared-id', '', '_lastUpdated=ge2020', 'birthdate=lt2100') {
    my $res = $stack->get("/Patient?$search", token => $token{south});
    is scalar @{ $res->{json}{entry} // [] }, 0, "the south finds nothing by '$search'";
}
is $stack->delete('/Patient/shared-id', token => $token{south})->{status}, 204, 'deleting it is deleting nothing';
is $stack->get('/Patient/shared-id', token => $token{north})->{status}, 200, 'it is still there';
is $stack->put('/Patient/shared-id', token => $token{south}, body => { %$secret, name => [ { family => 'Southern' } ] })->{status}, 201,
  'the same id in the south is another record';
is $stack->get('/Patient/shared-id', token => $token{north})->{json}{name}[0]{family}, 'Northern', 'the north keeps its own';
my $res = $stack->get('/Patient?_id=shared-id', token => $token{south});
is $res->{json}{entry}[0]{resource}{name}[0]{family}, 'Southern', 'the south finds its own';
is $stack->get('/Patient/shared-id/_history', token => $token{south})->{json}{total}, 1, 'with a history of its own';

# Scopes. What each allows: [method, path, status].
my $clinic = "scopes-$n";
$stack->tenant($clinic);
my %body = (
    Patient     => { resourceType => 'Patient' },
    Observation => { resourceType => 'Observation', status => 'final', code => { text => 'x' } },
    StructureDefinition => { resourceType => 'StructureDefinition' },
    Practitioner => { resourceType => 'Practitioner' },
);
my @scopes = (
    [ 'patient:read',              GET  => '/Patient',            200 ],
    [ 'patient:read',              GET  => '/Observation',        403 ],
    [ 'patient:read',              POST => '/Patient',            403 ],
    [ 'patient:read',              GET  => '/Practitioner',       200 ],
    [ 'patient:read patient:write', POST => '/Patient',           201 ],
    [ 'patient:read patient:write', DELETE => '/Patient/none',    403 ],
    [ 'patient:delete',            DELETE => '/Patient/none',     204 ],
    [ 'clinical:read',             GET  => '/Observation?code=x', 200 ],
    [ 'clinical:write',            POST => '/Observation',        201 ],
    [ 'clinical:write',            GET  => '/Observation',        403 ],
    [ 'clinical:write',            DELETE => '/Observation/none', 204 ],
    [ 'medication:read',           GET  => '/MedicationRequest',  200 ],
    [ 'medication:read',           GET  => '/Patient',            403 ],
    [ 'appointment:read',          GET  => '/Slot',               200 ],
    [ 'document:read',             GET  => '/DocumentReference',  200 ],
    [ 'system:read',               GET  => '/Patient',            200 ],
    [ 'system:read',               POST => '/Patient',            403 ],
    [ 'system:write',              POST => '/Practitioner',       201 ],
    [ 'clinical:read',             GET  => '/StructureDefinition', 200 ],
    [ 'clinical:write',            POST => '/StructureDefinition', 403 ],
);
my %client;
for my $row (@scopes) {
    my ($scope, $method, $path, $status) = @$row;
    $client{$scope} //= $stack->client(tenant => $clinic, name => 's' . keys %client, scopes => $scope, tier => 'enterprise', hour => 100000, minute => 100000);
    my ($type) = $path =~ m{^/(\w+)};
    $res = $stack->request($method, $path, token => $stack->token($client{$scope}), ($method eq 'POST' ? (body => $body{$type}) : ()));
    is $res->{status}, $status, "$scope: $method $path" or diag $res->{content};
    next if $status != 403;
    like $res->{headers}{'www-authenticate'}, qr/error="insufficient_scope"/, '403 says which scope is needed';
}
$res = $stack->post('', token => $stack->token($client{'patient:read'}),
    body => { resourceType => 'Bundle', type => 'transaction', entry => [ { resource => $body{Patient}, request => { method => 'POST', url => 'Patient' } } ] });
is $res->{status}, 403, 'a transaction is checked entry by entry';

done_testing;

# Bundles whose entries and references name records by criteria. R4
# http.html#trules

use strict;
use warnings;
use lib 't/lib';

use MIME::Base64 qw(encode_base64);
use Stack;
use Test::More;

my $stack  = Stack->new;
my $serial = 0;
my $system = 'urn:test:criteria';

sub fresh { return "crit-$$-" . ++$serial }
sub by { return "identifier=$system|$_[0]" }
sub patient { my ($value, %more) = @_; return { resourceType => 'Patient', ($value ? (identifier => [ { system => $system, value => $value } ]) : ()), %more } }
sub observation { my ($subject, %more) = @_; return { resourceType => 'Observation', status => 'final', code => { text => 'x' }, subject => { reference => $subject }, %more } }
sub created { return $stack->post('/Patient', body => patient(@_))->{json}{id} }
sub ids { my @ids = sort map { $_->{resource}{id} } @{ $stack->get('/Patient?' . by($_[0]) . '&_count=100')->{json}{entry} // [] }; return @ids }

sub entry {
    my ($method, $url, $resource, %more) = @_;
    my $full = delete $more{fullUrl};
    return { ($resource ? (resource => $resource) : ()), ($full ? (fullUrl => $full) : ()), request => { method => $method, url => $url, %more } };
}

sub transact { return $stack->post('', body => { resourceType => 'Bundle', type => 'transaction', entry => [@_] }) }
sub batch { return $stack->post('', body => { resourceType => 'Bundle', type => 'batch', entry => [@_] }) }
sub statuses { return [ map { $_->{response}{status} =~ s/ .*//r } @{ $_[0]{json}{entry} // [] } ] }
sub where { my ($res, $i) = @_; return ($res->{json}{entry}[$i]{response}{location} // '') =~ m{^(\w+/[^/]+)/_history/} ? $1 : '' }
sub issue { return $_[0]{json}{issue}[0] }
my $urn = 'urn:uuid:0b9a8a1e-7f3c-4f0a-9a7b-000000000086';

# --- entries by criteria -------------------------------------------------------------

my $value = fresh();
my @bundle = (entry('POST', 'Patient', patient($value), fullUrl => $urn, ifNoneExist => by($value)), entry('POST', 'Observation', observation($urn)));
my $res = transact(@bundle);
is $res->{status}, 200, 'ifNoneExist' or diag $res->{content};
is_deeply statuses($res), [ 201, 201 ], 'nothing there: created';
my $there = where($res, 0);
is $stack->get('/' . where($res, 1))->{json}{subject}{reference}, $there, 'links lead to it';
$res = transact(@bundle);
is_deeply statuses($res), [ 200, 201 ], 'there already: left as it is';
is where($res, 0), $there, 'and named';
is $stack->get('/' . where($res, 1))->{json}{subject}{reference}, $there, 'links lead to what was there';
created($value);
$res = transact(@bundle);
is $res->{status}, 412, 'two are there: the whole is refused';
is_deeply issue($res)->{expression}, ['Bundle.entry[0].request.ifNoneExist'], 'by its entry';

$value = fresh();
$res = transact(entry('PUT', 'Patient?' . by($value), patient($value), fullUrl => $urn), entry('POST', 'Observation', observation($urn)));
is_deeply statuses($res), [ 201, 201 ], 'a conditional update that creates' or diag $res->{content};
$there = where($res, 0);
is $stack->get('/' . where($res, 1))->{json}{subject}{reference}, $there, 'and is linked to';
$res = transact(entry('PUT', 'Patient?' . by($value), patient($value, gender => 'female'), fullUrl => $urn), entry('POST', 'Observation', observation($urn)));
is_deeply statuses($res), [ 200, 201 ], 'one that updates' or diag $res->{content};
is where($res, 0), $there, 'the same';
is $stack->get("/$there")->{json}{gender}, 'female', 'indeed';
is transact(entry('PUT', 'Patient?' . by($value), patient($value), ifMatch => 'W/"1"'))->{status}, 412, 'ifMatch of an older version';
is transact(entry('PUT', 'Patient?' . by($value), patient($value, id => 'other')))->{status}, 400, "another record's id";
$res = transact(entry('DELETE', 'Patient?' . by($value)), entry('POST', 'Patient', patient($value), ifNoneExist => by($value)));
is_deeply statuses($res), [ 204, 201 ], 'what is deleted is not there any more' or diag $res->{content};
is_deeply [ ids($value) ], [ where($res, 1) =~ s/.*\///r ], 'so there is one, the new one';
is_deeply statuses(transact(entry('DELETE', 'Patient?' . by(fresh())))), [204], 'nothing to delete';

# One record once, however it is named.
for (
    [ 'the same criteria twice', entry('POST', 'Patient', patient($value), ifNoneExist => by('none')), entry('PUT', 'Patient?' . by('none'), patient($value)) ],
    [ 'an id and criteria', entry('PUT', 'Patient/' . (ids($value))[0], patient(undef, id => (ids($value))[0])), entry('PUT', 'Patient?' . by($value), patient($value)) ],
    [ 'criteria in two spellings', map { entry('POST', 'Patient', patient("$value.twice"), ifNoneExist => $_) } by("$value.twice"), "identifier=$value.twice" ],
    [ 'what another entry makes', entry('POST', 'Patient', patient("$value.made")), entry('PUT', 'Patient?' . by("$value.made"), patient("$value.made")) ],
  )
{
    my ($name, @entries) = @$_;
    $res = transact(@entries);
    is $res->{status}, 400, "$name: refused" or diag $res->{content};
    like $res->{content}, qr/Bundle\.entry\[/, 'and named';
}
is scalar ids("$value.twice") + ids("$value.made"), 0, 'nothing of them is there';

for (
    [ 'PUT',    'Patient?nonsense=1',   patient(), 'request.url',         'nonsense' ],
    [ 'PUT',    'Patient?',             patient(), 'request.url',         'criteria' ],
    [ 'DELETE', 'Patient?_sort=_id',    undef,     'request.url',         '_sort' ],
    [ 'POST',   'Patient?' . by('x'),   patient(), 'request.url',         'POST' ],
    [ 'POST',   'Patient',              patient(), 'request.ifNoneExist', 'nonsense', ifNoneExist => 'nonsense=1' ],
    [ 'PUT',    'Patient/x',            patient(undef, id => 'x'), 'request.ifNoneExist', 'POST', ifNoneExist => by('x') ],
  )
{
    my ($method, $url, $resource, $place, $says, %more) = @$_;
    $res = transact(entry('POST', 'Patient', patient()), entry($method, $url, $resource, %more));
    is $res->{status}, 400, "$method $url";
    is_deeply issue($res)->{expression}, ["Bundle.entry[1].$place"], 'names the place';
    like issue($res)->{details}{text}, qr/\Q$says\E/i, 'and why';
}

# --- references by criteria --------------------------------------------------------

$value = fresh();
my $id = created($value);
$res = transact(entry('POST', 'Observation', observation('Patient?' . by($value))), entry('POST', 'Observation', observation('Patient?' . by($value), performer => [ { reference => 'Patient?' . by($value) } ])));
is_deeply statuses($res), [ 201, 201 ], 'a reference to what is there' or diag $res->{content};
is $stack->get('/' . where($res, $_))->{json}{subject}{reference}, "Patient/$id", 'becomes its id' for 0, 1;
is $stack->get('/' . where($res, 1))->{json}{performer}[0]{reference}, "Patient/$id", 'wherever it stands';
is scalar @{ $stack->get("/Observation?subject=Patient/$id")->{json}{entry} }, 2, 'and is found by';

my $none = 'Patient?' . by(fresh());
$res = transact(entry('POST', 'Patient', patient("$value.undone")), entry('POST', 'Observation', observation($none)));
is $res->{status}, 412, 'to nothing: refused';
is_deeply issue($res)->{expression}, ['Bundle.entry[1].resource'], 'by its entry';
like issue($res)->{details}{text}, qr/\Q$none\E/, 'and the reference';
is scalar ids("$value.undone"), 0, 'and nothing is done';
$res = transact(entry('POST', 'Observation', observation($none)));
is $res->{status}, 412, 'also when no patient is written';

my $new = fresh();
$res = transact(entry('POST', 'Observation', observation('Patient?' . by($new))), entry('POST', 'Patient', patient($new)));
is_deeply statuses($res), [ 201, 201 ], 'to what another entry makes' or diag $res->{content};
is $stack->get('/' . where($res, 0))->{json}{subject}{reference}, where($res, 1), 'becomes the new id';
$res = transact(entry('POST', 'Observation', observation('Patient?' . by($new))), entry('POST', 'Patient', patient($new)));
is $res->{status}, 412, 'then there are two';
is issue($res)->{code}, 'multiple-matches', 'which is said';
is scalar ids($new), 1, 'and nothing was done';
$res = transact(entry('POST', 'Observation', observation('Patient?' . by($new))), entry('PUT', 'Patient/' . (ids($new))[0], patient("$new.renamed", id => (ids($new))[0])));
is $res->{status}, 412, 'to what another entry changes so that it does not meet the criteria';
created($new);
is transact(entry('POST', 'Observation', observation('Patient?' . by($new))))->{status}, 412, 'two are there';
$res = transact(entry('DELETE', 'Patient/' . (ids($new))[0]), entry('POST', 'Observation', observation('Patient?' . by($new))));
is_deeply statuses($res), [ 204, 201 ], 'unless one is deleted' or diag $res->{content};
is transact(entry('POST', 'Observation', observation('Patient?nonsense=1')))->{status}, 400, 'criteria that are none';
my $writer = $stack->token($stack->client(tenant => 'sandbox', name => 'crit-writer', scopes => 'clinical:read clinical:write'));
is $stack->post('', body => { resourceType => 'Bundle', type => 'transaction', entry => [ entry('POST', 'Observation', observation('Patient?' . by($value))) ] }, token => $writer)->{status}, 403, 'who may not search patients learns nothing of them';

# --- patches -----------------------------------------------------------------------

sub json_patch { return { resourceType => 'Binary', contentType => 'application/json-patch+json', data => encode_base64($stack->{json}->encode([@_]), '') } }
my $female = json_patch({ op => 'replace', path => '/gender', value => 'female' });
$value = fresh();
$id = created($value, gender => 'male');
$res = transact(entry('PATCH', "Patient/$id", $female));
is_deeply statuses($res), [200], 'a PATCH of an id' or diag $res->{content};
is $stack->get("/Patient/$id")->{json}{gender}, 'female', 'is done';
$res = transact(entry('PATCH', 'Patient?' . by($value), json_patch({ op => 'add', path => '/active', value => \1 })));
is_deeply statuses($res), [200], 'a PATCH by criteria' or diag $res->{content};
ok $stack->get("/Patient/$id")->{json}{active}, 'is done, too';
is transact(entry('PATCH', 'Patient?' . by(fresh()), $female))->{status}, 404, 'of nothing';
is transact(entry('PATCH', 'Patient/none', $female))->{status}, 404, 'of no id';
is transact(entry('PATCH', "Patient/$id", $female, ifMatch => 'W/"1"'))->{status}, 412, 'ifMatch of an older version';
$res = transact(entry('POST', 'Patient', patient()), entry('PATCH', "Patient/$id", patient()));
is $res->{status}, 400, 'by no patch';
like issue($res)->{expression}[0], qr/^Bundle\.entry\[1\]/, 'named';
$res = transact(entry('PATCH', "Patient/$id", json_patch({ op => 'replace', path => '/gender', value => 'x' })));
is $res->{status}, 422, 'the result must be valid';

# --- batches -----------------------------------------------------------------------

$value = fresh();
$res = batch(
    entry('POST', 'Patient', patient($value), ifNoneExist => by($value)),
    entry('PUT', 'Patient?' . by($value), patient($value, gender => 'male')),
    entry('PUT', 'Patient?nonsense=1', patient($value)),
    entry('DELETE', 'Patient?' . by(fresh())),
    entry('POST', 'Observation', observation('Patient?' . by($value))),
);
is_deeply statuses($res), [ 201, 200, 400, 204, 422 ], 'each entry of a batch for itself';
is_deeply statuses(batch(entry('POST', 'Patient', patient($value), ifNoneExist => by($value)))), [200], 'ifNoneExist of what is there';

# --- Binary, and many --------------------------------------------------------------

my $bytes = encode_base64(join('', map { chr($_ % 256) } 0 .. 3000), '');
$res = transact(entry('POST', 'Binary', { resourceType => 'Binary', contentType => 'application/octet-stream', data => $bytes }, fullUrl => $urn),
    entry('POST', 'DocumentReference', { resourceType => 'DocumentReference', status => 'current', content => [ { attachment => { url => $urn } } ] }));
is_deeply statuses($res), [ 201, 201 ], 'a Binary and what it belongs to' or diag $res->{content};
is $stack->get('/' . where($res, 0))->{json}{data}, $bytes, 'stored';
is $stack->get('/' . where($res, 1))->{json}{content}[0]{attachment}{url}, where($res, 0), 'and linked';

$value = fresh();
my @many = (
    entry('POST', 'Patient', patient($value), fullUrl => $urn, ifNoneExist => by($value)),
    (map { entry('POST', 'Observation', observation($_ % 2 ? $urn : 'Patient?' . by($value), note => [ { text => 'n' x 6300 } ])) } 1 .. 2598),
    entry('GET', 'Patient?' . by($value)),
);
my $body = $stack->{json}->encode({ resourceType => 'Bundle', type => 'transaction', entry => \@many });
cmp_ok length $body, '>', 16 << 20, '2,600 entries in more than 16 MB';
$stack->{http}{timeout} = 60;
$res = $stack->post('', body => $body);
is $res->{status}, 200, 'pass' or diag substr $res->{content}, 0, 500;
is scalar(grep { $_ == 201 } @{ statuses($res) }), 2599, 'all are made';
is $stack->get('/Observation?_summary=count&subject=' . where($res, 0))->{json}{total}, 2598, 'all refer to the one';

done_testing;

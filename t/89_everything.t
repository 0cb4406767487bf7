# Patient/<id>/$everything, Encounter/<id>/$everything and Observation/$lastn.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $fhir = $stack->env('FHIR_URL');
my $tenant = $stack->tenant("everything$$");
my $token = $stack->token($stack->client(tenant => $tenant, name => 'all', scopes => 'system:read system:write'));

sub ask {
    my ($method, $where, %o) = @_;
    return $stack->request($method, $where, token => $token, %o);
}

sub put {
    my ($type, $id, %more) = @_;
    my $res = ask(PUT => "/$type/$id", body => { resourceType => $type, id => $id, %more });
    like $res->{status}, qr/^20[01]$/, "$type/$id" or diag $res->{content};
    return $res->{json}{meta}{lastUpdated};
}

sub link_of {
    my ($res, $relation) = @_;
    my ($link) = grep { $_->{relation} eq $relation } @{ $res->{json}{link} };
    return $link ? $link->{url} : undef;
}

# "Patient/a" of each entry of a mode.
sub found {
    my ($res, $mode) = @_;
    return map { "$_->{resource}{resourceType}/$_->{resource}{id}" } grep { $_->{search}{mode} eq $mode } @{ $res->{json}{entry} // [] };
}

sub warnings_of {
    my ($res) = @_;
    return map { $_->{details}{text} } map { @{ $_->{resource}{issue} } } grep { $_->{search}{mode} eq 'outcome' } @{ $res->{json}{entry} // [] };
}

sub walk {
    my ($where, %o) = @_;
    my (@match, %include);
    while ($where) {
        my $res = ask(GET => $where, %o);
        is $res->{status}, 200, 'a page' or return diag $res->{content};
        push @match, found($res, 'match');
        $include{$_}++ for found($res, 'include');
        $where = link_of($res, 'next');
    }
    return (\@match, [ sort keys %include ]);
}

# One entry's time is later than the one's before it.
sub later { select undef, undef, undef, 0.003; return }

my %ref = map { ($_ => { reference => $_ }) } qw(Patient/p Patient/q Patient/gone Encounter/e Encounter/f Practitioner/d
  PractitionerRole/r Organization/o Organization/top Location/l Medication/m Observation/o1);
put(Organization => 'top', name => 'Top');
put(Organization => 'o', name => 'Org', partOf => $ref{'Organization/top'});
put(Practitioner => 'd', name => [ { family => 'Doctor' } ]);
put(Practitioner => 'stranger');
put(PractitionerRole => 'r', practitioner => $ref{'Practitioner/d'}, organization => $ref{'Organization/o'});
put(Location => 'l', managingOrganization => $ref{'Organization/o'});
put(Medication => 'm', code => { text => 'x' });
put(Patient => 'p', managingOrganization => $ref{'Organization/o'}, birthDate => '1980-01-01');
put(Patient => 'q', birthDate => '1990-01-01');
my %encounter = (status => 'finished', class => { code => 'AMB' });
put(Encounter => 'e', %encounter, subject => $ref{'Patient/p'}, period => { start => '2025-01-01T10:00:00Z', end => '2025-01-09T10:00:00Z' },
    participant => [ { individual => $ref{'PractitionerRole/r'} } ], location => [ { location => $ref{'Location/l'} } ]);
put(Encounter => 'f', %encounter, subject => $ref{'Patient/p'}, period => { start => '2026-01-01T10:00:00Z', end => '2026-01-01T11:00:00Z' });
my %code = (status => 'final', code => { coding => [ { system => 'http://loinc.org', code => '8867-4' } ] });
put(Observation => 'o1', %code, subject => $ref{'Patient/p'}, encounter => $ref{'Encounter/e'}, effectiveDateTime => '2025-01-02', performer => [ $ref{'Practitioner/d'} ]);
put(Observation => 'o2', %code, subject => $ref{'Patient/p'}, encounter => $ref{'Encounter/f'}, effectiveDateTime => '2026-01-01');
put(Observation => 'hers', %code, subject => $ref{'Patient/q'}, effectiveDateTime => '2025-01-02');
put(Observation => 'gone', %code, subject => $ref{'Patient/p'});
is ask(DELETE => '/Observation/gone')->{status}, 204, 'one is deleted';
put(MedicationRequest => 'mr', status => 'active', intent => 'order', subject => $ref{'Patient/p'}, medicationReference => $ref{'Medication/m'}, authoredOn => '2026-01-01');
put(AllergyIntolerance => 'al', patient => $ref{'Patient/p'});
# Refers to another patient's, and nothing of hers may come along.
put(List => 'li', status => 'current', mode => 'working', subject => $ref{'Patient/p'}, date => '2025-01-02', entry => [ { item => { reference => 'Observation/hers' } }, { item => $ref{'Patient/q'} } ]);
my $since = put(Procedure => 'pr', status => 'completed', subject => $ref{'Patient/p'}, performedDateTime => '2025-01-03', performer => [ { actor => $ref{'Practitioner/d'} } ]);

my @members = sort qw(Patient/p Encounter/e Encounter/f Observation/o1 Observation/o2 MedicationRequest/mr AllergyIntolerance/al List/li Procedure/pr);
my @referred = sort qw(Organization/o Organization/top Practitioner/d PractitionerRole/r Location/l Medication/m);

# --- of a patient -------------------------------------------------------------

my $res = ask(GET => '/Patient/p/$everything');
is $res->{status}, 200, 'everything' or diag $res->{content};
is $res->{json}{type}, 'searchset', 'is a searchset';
is((found($res, 'match'))[0], 'Patient/p', 'the patient first');
is_deeply [ sort { $a cmp $b } found($res, 'match') ], \@members, 'the whole compartment';
is_deeply [ sort { $a cmp $b } found($res, 'include') ], \@referred, 'and what it refers to, several steps far';
is_deeply [ grep { /^Observation/ } found($res, 'match') ], [qw(Observation/o2 Observation/o1)], 'newest first within a type';
is link_of($res, 'self'), "$fhir/Patient/p/\$everything", 'self';
is link_of($res, 'next'), undef, 'all of it on one page';
is_deeply [ warnings_of($res) ], [], 'nothing was left out';

for my $count (1, 2, 5, 9) {
    my ($match, $include) = walk("/Patient/p/\$everything?_count=$count");
    is_deeply [ sort @$match ], \@members, "pages of $count: each member once";
    is_deeply $include, \@referred, 'all that they refer to';
}
is_deeply [ found(ask(GET => '/Patient/q/$everything'), 'match') ], [qw(Patient/q Observation/hers)], 'another patient has her own'
  or diag explain [ found(ask(GET => '/Patient/q/$everything'), 'match') ];

my ($match, $include) = walk('/Patient/p/$everything?_type=Observation,Practitioner&_type=Encounter&_count=2');
is_deeply [ sort @$match ], [qw(Encounter/e Encounter/f Observation/o1 Observation/o2)], '_type chooses among members';
is_deeply $include, ['Practitioner/d'], 'and among what they refer to';
($match, $include) = walk('/Patient/p/$everything?_type=Organization');
is_deeply [ @$match, @$include ], [qw(Organization/o Organization/top)], 'also those alone';

($match, $include) = walk("/Patient/p/\$everything?_since=$since");
is_deeply $match, ['Procedure/pr'], '_since: what was changed';
is_deeply $include, [], 'and nothing else';
later();
my $changed = put(Practitioner => 'd', active => JSON::PP::true);
($match, $include) = walk("/Patient/p/\$everything?_since=$changed");
is_deeply [ $match, $include ], [ [], ['Practitioner/d'] ], 'what is referred to was changed, too';
like link_of($res, 'current'), qr{^\Q$fhir\E/Patient/p/\$everything\?_since=\d{4}-[^&]*Z$}, 'a link says what to ask next';

($match) = walk('/Patient/p/$everything?start=2025-01-03&end=2025-12-31');
is_deeply [ sort @$match ], [ sort qw(Patient/p AllergyIntolerance/al Encounter/e Procedure/pr) ], 'start and end: care at that time, a stay that lasts into it, what has no date'
  or diag explain $match;
($match) = walk('/Patient/p/$everything?end=2025-01-02&_type=Observation,Encounter');
is_deeply [ sort @$match ], [qw(Encounter/e Observation/o1)], 'end alone';
($match) = walk('/Patient/p/$everything?start=2025-06&_type=Observation,Encounter');
is_deeply [ sort @$match ], [qw(Encounter/f Observation/o2)], 'start alone';

$res = ask(POST => '/Patient/p/$everything', body => { resourceType => 'Parameters', parameter => [ { name => '_type', valueCode => 'Observation' }, { name => '_count', valueInteger => 1 } ] });
is_deeply [ found($res, 'match') ], ['Observation/o2'], 'by POST' or diag $res->{content};
($match) = walk(link_of($res, 'next'));
is_deeply $match, ['Observation/o1'], 'whose links are followed by GET';

# --- of an encounter ----------------------------------------------------------

($match, $include) = walk('/Encounter/e/$everything');
is_deeply $match, [qw(Encounter/e Observation/o1)], 'an encounter' or diag explain $match;
is_deeply $include, [ sort qw(Patient/p Organization/o Organization/top Practitioner/d PractitionerRole/r Location/l) ], 'with its patient' or diag explain $include;
is ask(GET => '/Encounter/e/$everything?start=2025')->{status}, 400, 'it has no start and end';

# --- rights and what cannot be asked ------------------------------------------

my %scoped = map { ($_ => $stack->token($stack->client(tenant => $tenant, name => $_, scopes => $_))) } 'patient:read', 'clinical:read';
$res = ask(GET => '/Patient/p/$everything', token => $scoped{'patient:read'});
is_deeply [ found($res, 'match') ], ['Patient/p'], 'each type needs its right';
is_deeply [ sort { $a cmp $b } found($res, 'include') ], [qw(Organization/o Organization/top)], 'what is referred to as well';
like join(' ', warnings_of($res)), qr/left out/, 'and it is said';
is ask(GET => '/Patient/p/$everything?_type=Observation', token => $scoped{'patient:read'})->{status}, 403, 'asked by name it is 403';
is ask(GET => '/Patient/p/$everything', token => $scoped{'clinical:read'})->{status}, 403, 'without the right to the patient, too';
is $stack->get('/Patient/p/$everything')->{status}, 404, 'of another tenant 404';
is ask(GET => '/Patient/none/$everything')->{status}, 404, 'of nobody 404';
put(Patient => 'gone');
ask(DELETE => '/Patient/gone');
is ask(GET => '/Patient/gone/$everything')->{status}, 410, 'of a deleted one 410';
is ask(GET => '/Observation/o1/$everything')->{status}, 404, 'observations have none';
is ask(GET => '/Patient/$everything')->{status}, 404, 'nor has the type';
my ($cursor) = link_of(ask(GET => '/Patient/p/$everything?_count=1'), 'next') =~ /_cursor=(.*)/;
for my $row (
    [ '/Patient/p/$everything?_type=Nonsense',      'no resource type' ],
    [ '/Patient/p/$everything?_count=0',            'from 1' ],
    [ '/Patient/p/$everything?_since=2025',         '_since' ],
    [ '/Patient/p/$everything?start=x',             'tart must be' ],
    [ '/Patient/p/$everything?_offset=3',           'nknown parameter' ],
    [ '/Patient/p/$everything?_cursor=x',           'not one of this question' ],
    [ "/Patient/q/\$everything?_cursor=$cursor",    'not one of this question' ],
    [ "/Patient/p/\$everything?end=2025&_cursor=$cursor", 'not one of this question' ],
) {
    my ($where, $says) = @$row;
    $res = ask(GET => $where);
    is $res->{status}, 400, "$where: 400";
    like $res->{json}{issue}[0]{details}{text}, qr/$says/, 'which says why';
}

# --- the newest of each code --------------------------------------------------

sub observe {
    my ($id, $time, $code, %more) = @_;
    return put(Observation => $id, status => 'final', subject => { reference => 'Patient/last' }, code => $code,
        category => [ { coding => [ { system => 'http://terminology.hl7.org/CodeSystem/observation-category', code => 'vital-signs' } ] } ],
        ($time ? (effectiveDateTime => $time) : ()), %more);
}
put(Patient => 'last');
my %pulse = (coding => [ { system => 'http://loinc.org', code => '8867-4' } ]);
my %weight = (coding => [ { system => 'http://loinc.org', code => '29463-7' } ]);
my %local = (coding => [ { system => 'http://example.org', code => 'w' }, @{ $weight{coding} } ]);
observe("pulse$_", "2026-01-0$_", \%pulse) for 1 .. 3;
observe('weight', '2026-01-05', \%weight);
observe('local', '2026-01-06', \%local);
observe('text', '2026-01-04', { text => 'Mood' });
observe('undated', undef, \%pulse);
put(Observation => 'other', %code, subject => $ref{'Patient/q'}, effectiveDateTime => '2026-02-01');

sub lastn {
    my ($query, @o) = @_;
    return join ' ', map { s{^Observation/}{}r } found(ask(GET => "/Observation/\$lastn?$query", @o), 'match');
}
$res = ask(GET => '/Observation/$lastn?patient=last');
is $res->{status}, 200, '$lastn' or diag $res->{content};
is $res->{json}{total}, 3, 'says how many';
is link_of($res, 'self'), "$fhir/Observation/\$lastn?patient=last", 'and what was asked';
is lastn('patient=last'), 'local text pulse3', 'one of each code, newest first';
is lastn('patient=Patient/last&max=2'), 'local weight text pulse3 pulse2', 'max';
is lastn('subject=Patient/last&max=9&code=http://loinc.org|8867-4'), 'pulse3 pulse2 pulse1 undated', 'the criteria of a search';
is lastn('patient=last&category=vital-signs&date=lt2026-01-03'), 'pulse2', 'several of them';
is lastn('patient=last&category=laboratory'), '', 'none match';
is lastn('patient=nobody'), '', 'nor of nobody';
observe('tie', '2026-01-06', \%local);
is join(' ', sort split / /, lastn('patient=last&category=vital-signs&code=29463-7')), 'local tie', 'equal times are both answered';
$res = ask(GET => '/Observation/$lastn?patient=last&code=8867-4&_elements=status');
is_deeply [ grep { $_->{resource}{effectiveDateTime} } @{ $res->{json}{entry} } ], [], '_elements';
$res = ask(POST => '/Observation/$lastn', body => { resourceType => 'Parameters', parameter => [
    { name => 'max', valuePositiveInt => 2 }, { name => 'patient', valueReference => { reference => 'Patient/last' } }, { name => 'code', valueString => '8867-4' } ] });
is_deeply [ found($res, 'match') ], [qw(Observation/pulse3 Observation/pulse2)], 'by POST' or diag $res->{content};
is_deeply [ found(ask(GET => link_of($res, 'self')), 'match') ], [qw(Observation/pulse3 Observation/pulse2)], 'its self link asks the same';
for my $row (
    [ 'code=8867-4',             'needs a patient' ],
    [ 'patient:missing=false',   'needs a patient' ],
    [ 'patient=last&max=0',      'ax must be' ],
    [ 'patient=last&max=x',      'ax must be' ],
    [ 'patient=last&_count=5',   'has no _count' ],
    [ 'patient=last&_sort=date', 'has no _sort' ],
    [ 'patient=last&nonsense=1', 'nonsense' ],
) {
    my ($query, $says) = @$row;
    $res = ask(GET => "/Observation/\$lastn?$query");
    is $res->{status}, 400, "$query: 400";
    like $res->{json}{issue}[0]{details}{text}, qr/$says/, 'which says why';
}
is ask(GET => '/Patient/$lastn?patient=last')->{status}, 404, 'of observations alone';
is ask(GET => '/Observation/$lastn?patient=last', token => $scoped{'patient:read'})->{status}, 403, 'with their right';

done_testing;

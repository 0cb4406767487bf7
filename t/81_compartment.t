# Searches within a compartment: Patient/x/Observation, Patient/x/*, by GET and
# by form, for all five kinds of owners. R4 compartmentdefinition.html,
# search.html#2.21.1.2

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $n     = time;
my $FORM  = 'application/x-www-form-urlencoded';

sub clinic {
    my ($name, %options) = @_;
    $stack->tenant("$name-$n") if !$options{tenant};
    return $stack->client(tenant => "$name-$n", name => $name, tier => 'enterprise', hour => 1000000, minute => 1000000, %options);
}

my $token = $stack->token(clinic('compartment'));
my $south = $stack->token(clinic('elsewhere'));

sub get { return $stack->get($_[0], token => $token, @_[ 1 .. $#_ ]) }

sub put {
    my ($record) = @_;
    my $res = $stack->put("/$record->{resourceType}/$record->{id}", token => $token, body => $record);
    $res->{status} == 201 or die "$res->{status} $res->{content}";
    return;
}

sub found { return join ' ', map { "$_->{resource}{resourceType}/$_->{resource}{id}" } @{ $_[0]{json}{entry} // [] } }

sub all {
    my ($search, %o) = @_;
    my $res = get($search, %o);
    return "$res->{status}: $res->{content}" if $res->{status} != 200;
    return join ' ', sort split ' ', found($res);
}

sub ref_to { return { reference => $_[0] } }

put($_) for (
    { resourceType => 'Patient', id => 'p1', gender => 'male', name => [ { family => 'One' } ], generalPractitioner => [ ref_to('Practitioner/doc') ] },
    { resourceType => 'Patient', id => 'p2', name => [ { family => 'Two' } ], link => [ { other => ref_to('Patient/p1'), type => 'seealso' } ] },
    { resourceType => 'Practitioner', id => 'doc', name => [ { family => 'Doc' } ] },
    { resourceType => 'Device', id => 'd1', status => 'active', patient => ref_to('Patient/p1') },
    { resourceType => 'RelatedPerson', id => 'mum', patient => ref_to('Patient/p1'), name => [ { family => 'Mum' } ] },
    {   resourceType => 'Encounter', id => 'e1', status => 'finished', class => { code => 'AMB' }, subject => ref_to('Patient/p1'),
        period => { start => '2025-02-01' }, participant => [ { individual => ref_to('Practitioner/doc') }, { individual => ref_to('RelatedPerson/mum') } ],
    },
    { resourceType => 'Condition', id => 'c1', subject => ref_to('Patient/p1'), encounter => ref_to('Encounter/e1'), meta => { tag => [ { code => 'mine' } ] } },
    { resourceType => 'Observation', id => 'o6', status => 'final', code => { text => 'x' }, subject => ref_to('Device/d1'), device => ref_to('Device/d1') },
    map { {
        resourceType => 'Observation', id => $_->[0], status => 'final', code => { coding => [ { code => $_->[1] } ] }, subject => ref_to($_->[2]),
        effectiveDateTime => $_->[3], performer => [ ref_to($_->[4]) ], ($_->[5] ? (encounter => ref_to($_->[5])) : ()),
        ($_->[0] eq 'o1' ? (meta => { tag => [ { code => 'mine' } ] }) : ()),
    } } (
        [ o1 => 'a', 'Patient/p1', '2025-01-01', 'Practitioner/doc',  'Encounter/e1' ],
        [ o2 => 'b', 'Patient/p1', '2025-01-02', 'RelatedPerson/mum' ],
        [ o3 => 'a', 'Patient/p1', '2025-01-03', 'Practitioner/doc' ],
        [ o4 => 'a', 'Patient/p2', '2025-01-04', 'Patient/p1' ],        # of two patients
        [ o5 => 'a', 'Patient/p2', '2025-01-05', 'Practitioner/doc' ],
    ),
);

# Devices are not in R4's compartment of patients.
my $p1 = 'Condition/c1 Encounter/e1 Observation/o1 Observation/o2 Observation/o3 Observation/o4 Patient/p1 Patient/p2 RelatedPerson/mum';
my @found = (
    [ '/Patient/p1/Observation',                          'Observation/o1 Observation/o2 Observation/o3 Observation/o4' ],
    [ '/Patient/p1/Observation?code=a',                   'Observation/o1 Observation/o3 Observation/o4' ],
    [ '/Patient/p1/Observation?code=a&date=ge2025-01-02&date=lt2025-01-04', 'Observation/o3' ],
    [ '/Patient/p1/Observation?subject=Patient/p2',       'Observation/o4' ],
    [ '/Patient/p1/Observation?subject:Patient.name=one', 'Observation/o1 Observation/o2 Observation/o3' ],
    [ '/Patient/p1/Observation?code:missing=true',        '' ],
    [ '/Patient/p1/Observation?_id=o1,o5',                'Observation/o1' ],
    [ '/Patient/p2/Observation',                          'Observation/o4 Observation/o5' ],
    [ '/Patient/p1/Condition',                            'Condition/c1' ],
    [ '/Patient/p1/Patient',                              'Patient/p1 Patient/p2' ],
    [ '/Patient/p1/Patient?_has:Observation:patient:code=b', 'Patient/p1' ],
    [ '/Patient/none/Observation',                        '' ],
    [ '/Encounter/e1/Observation',                        'Observation/o1' ],
    [ '/Encounter/e1/*',                                  'Condition/c1 Encounter/e1 Observation/o1' ],
    [ '/Practitioner/doc/Observation',                    'Observation/o1 Observation/o3 Observation/o5' ],
    [ '/Practitioner/doc/Patient',                        'Patient/p1' ],
    [ '/RelatedPerson/mum/Observation',                   'Observation/o2' ],
    [ '/RelatedPerson/mum/*',                             'Encounter/e1 Observation/o2 RelatedPerson/mum' ],
    [ '/Device/d1/Observation',                           'Observation/o6' ],
    [ '/Device/d1/*',                                     'Device/d1 Observation/o6' ],
    [ '/Patient/p1/*',                                    $p1 ],
    [ '/Patient/p1/*?_tag=mine',                          'Condition/c1 Observation/o1' ],
    [ '/Patient/p1/*?_tag:not=mine&_id=o1,o2',            'Observation/o2' ],
    [ '/Patient/p1/*?_id=o1,c1,o5',                       'Condition/c1 Observation/o1' ],
    [ '/Patient/p1/*?_lastUpdated=lt2020',                '' ],
    [ '/Patient/p1/*?_lastUpdated=ge2020',                $p1 ],
);
is all($_->[0]), $_->[1], $_->[0] for @found;

# In order, page by page, both ways.
is found(get('/Patient/p1/Observation')), 'Observation/o4 Observation/o3 Observation/o2 Observation/o1', 'newest first';
is found(get('/Patient/p1/Observation?_sort=date')), 'Observation/o1 Observation/o2 Observation/o3 Observation/o4', 'sorted by date';
is found(get('/Patient/p1/*?_sort=_id&_count=3')), 'Condition/c1 Encounter/e1 RelatedPerson/mum', 'all types, sorted by id';
sub links { return map { ($_->{relation} => $_->{url}) } @{ $_[0]{json}{link} } }

for my $search ('/Patient/p1/Observation?_count=1', '/Patient/p1/*?_count=2', '/Patient/p1/*?_count=2&_sort=-_lastUpdated', '/Patient/p1/Observation?_sort=-_id&_count=3') {
    my ($path) = $search =~ /^([^?]+)/;
    my $res = get("$search&_total=accurate");
    my (@seen, @back, %link);
    my $total = $res->{json}{total};
    like { links($res) }->{self}, qr{\Q$path\E\?}, "$search: the self link is of the compartment";
    while (1) {
        push @seen, split ' ', found($res);
        %link = links($res);
        last if !$link{next} || @seen > 50;
        $res = get($link{next});
    }
    is join(' ', sort @seen), all($path), "$search: next links walk all";
    is $total, scalar @seen, '... as many as the total says';
    my $page = () = split ' ', found($res);
    splice @seen, -$page;
    while ($link{previous} && @back < 50) {
        $res = get($link{previous});
        unshift @back, split ' ', found($res);
        %link = links($res);
    }
    is "@back", "@seen", '... and previous links back';
}
my %link = links(get('/Patient/p1/Observation?_count=1'));
(my $other = $link{next}) =~ s{/Patient/p1/}{/Patient/p2/};
is get($other)->{status}, 400, 'a cursor is of its compartment alone';
is get('/Patient/p1/Observation?_summary=count')->{json}{total}, 4, 'a count';
is get('/Patient/p1/*?_summary=count')->{json}{total}, 9, 'of all types';

# By form.
my @forms = (
    [ '/Patient/p1/Observation/_search', 'code=b',       'Observation/o2' ],
    [ '/Patient/p1/*/_search',           '_tag=mine',    'Condition/c1 Observation/o1' ],
    [ '/Patient/p1/_search',             '_tag=mine',    'Condition/c1 Observation/o1' ],
    [ '/Patient/p1/Observation/_search?code=a', 'date=2025-01-01', 'Observation/o1' ],
);
for my $row (@forms) {
    my ($path, $body, $wanted) = @$row;
    my $res = $stack->post($path, token => $token, body => $body, type => $FORM);
    is join(' ', sort split ' ', found($res)), $wanted, "POST $path $body" or diag $res->{content};
}
my $batch = $stack->post('', token => $token, body => { resourceType => 'Bundle', type => 'batch',
    entry => [ { request => { method => 'GET', url => 'Patient/p1/Observation?code=b' } } ] });
is $batch->{json}{entry}[0]{resource}{entry}[0]{resource}{id}, 'o2', 'in a batch';

# What is not there.
my @refused = (
    [ '/Organization/x/Observation',        404, qr/compartments are those of Patient/i ],
    [ '/Patient/p1/Nonsense',               404, qr/no resource type/ ],
    [ '/Nonsense/p1/Observation',           404, qr/no resource type/ ],
    [ '/Patient/a_b/Observation',           404, qr/ids are/i ],
    [ '/Patient/p1/Location',               400, qr/in no compartment of a Patient/ ],
    [ '/Patient/p1/Observation?codee=x',    400, qr/did you mean 'code'/ ],
    [ '/Patient/p1/*?code=x',               400, qr/of one type alone/ ],
    [ '/Patient/p1/*?_sort=date',           400, qr/of one type alone/ ],
    [ '/Patient/p1/*?_tag:missing=true',    400, qr/of one type alone/ ],
    [ '/Patient/p1/*?_has:Observation:patient:code=x', 400, qr/of one type alone/ ],
);
for my $row (@refused) {
    my ($search, $status, $says) = @$row;
    my $res = get($search);
    is $res->{status}, $status, "$search is refused" or diag $res->{content};
    like $res->{json}{issue}[0]{details}{text}, $says, '... and why';
}
is $stack->request(DELETE => '/Patient/p1/Observation', token => $token)->{status}, 405, 'only searches are there';

# Another tenant's compartment is empty; scopes are those of what is searched.
is all('/Patient/p1/Observation', token => $south), '', 'of another tenant';
is all('/Patient/p1/*',           token => $south), '', 'nor all types';
my $clinical = $stack->token(clinic('compartment', tenant => "compartment-$n", scopes => 'clinical:read'));
my $patient  = $stack->token(clinic('compartment', tenant => "compartment-$n", scopes => 'patient:read'));
my $nobody   = $stack->token(clinic('compartment', tenant => "compartment-$n", scopes => 'analytics:read'));
is get('/Patient/p1/Observation', token => $patient)->{status}, 403, 'observations want their scope';
is all('/Patient/p1/*', token => $patient), 'Patient/p1 Patient/p2 RelatedPerson/mum', 'of all types only those that the scopes allow';
is all('/Patient/p1/*', token => $clinical), 'Condition/c1 Encounter/e1 Observation/o1 Observation/o2 Observation/o3 Observation/o4', 'clinical ones';
is get('/Patient/p1/*', token => $nobody)->{status}, 403, 'none is a 403';

my ($rest) = @{ $stack->get('/metadata')->{json}{rest} };
is join(' ', map { s{.*/}{}r } sort @{ $rest->{compartment} }), 'device encounter patient practitioner relatedPerson', 'the CapabilityStatement names them';

done_testing;

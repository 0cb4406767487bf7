# The resources that describe this server, against the CapabilityStatement and
# what the server does; and OperationOutcomes, which always have all members.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $fhir = $stack->env('FHIR_URL');
my $rest = $stack->get('/metadata')->{json}{rest}[0];
my @types = @{ $rest->{resource} };

# All pages of a search.
sub walk {
    my ($where) = @_;
    my @found;
    for (my $pages = 0; $where && $pages < 100; $pages++) {
        my $res = $stack->get($where);
        is $res->{status}, 200, $where or diag $res->{content};
        push @found, map { $_->{resource} } @{ $res->{json}{entry} // [] };
        ($where) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $res->{json}{link} };
    }
    return @found;
}

# --- SearchParameters -----------------------------------------------------------

my %claimed = map { my $type = $_->{type}; map { ("$type $_->{name} $_->{type}" => $_) } @{ $_->{searchParam} } } @types;
my @params = walk('/SearchParameter?_count=1000');
my %listed = map { ("$_->{base}[0] $_->{code} $_->{type}" => $_) } @params;
is join(', ', grep { !$listed{$_} } sort keys %claimed), '', 'every parameter that is claimed has a SearchParameter';
is join(', ', grep { !$claimed{$_} } sort keys %listed), '', 'and no other is listed';
my @modifiers = grep {
    my $said = $claimed{$_}{documentation} // '';
    my %mine = map { ($_ => 1) } map { s/of-type/ofType/r } $said =~ /:([\w-]+)/g;
    $mine{type} = 1 if $said =~ /\[type\]/;
    join(' ', sort keys %mine) ne join(' ', sort @{ $listed{$_}{modifier} // [] });
} sort keys %claimed;
is join(', ', @modifiers), '', 'with the modifiers that are claimed';

my $res = $stack->get('/SearchParameter/Patient-birthdate');
is $res->{status}, 200, 'one is read by its id';
is $res->{json}{code}, 'birthdate', 'as what it is';
is $res->{json}{derivedFrom}, 'http://hl7.org/fhir/SearchParameter/individual-birthdate', 'and names that of HL7';
is $stack->get($res->{json}{url})->{json}{id}, 'Patient-birthdate', 'its url is its address';
is $stack->get('/SearchParameter/Patient-nonsense')->{status}, 404, 'there is no other';
is $stack->get('/SearchParameter/Patient-birthdate/_history/1')->{status}, 404, 'it has no versions';
is join(' ', map { $_->{id} } walk('/SearchParameter?base=Patient&code=birthdate,name&type=date')), 'Patient-birthdate', 'found by base, code and type';
is scalar(walk('/SearchParameter?base=Nonsense')), 0, 'by another base none';
is scalar(grep { $_->{derivedFrom} !~ /individual-birthdate$/ } walk('/SearchParameter?derived-from=http://hl7.org/fhir/SearchParameter/individual-birthdate')), 0, 'found by derived-from';
is $stack->get('/SearchParameter?base=Patient&_summary=count')->{json}{total}, scalar(grep { /^Patient / } keys %claimed), 'counted';
is $stack->get('/SearchParameter?bsae=Patient')->{status}, 400, 'an unknown parameter is refused';
is $stack->get('/SearchParameter?base=Patient&_count=x')->{status}, 400, 'a bad _count, too';
is scalar(walk('/SearchParameter?base=Patient&code=name&_elements=code')), 1, '_elements';
ok !(walk('/SearchParameter?base=Patient&code=name&_elements=code'))[0]{derivedFrom}, 'leaves the others out';

# The tenant's own are beside them.
my $code = "own$$";
my %own = (resourceType => 'SearchParameter', url => 'urn:own', name => 'Own', status => 'active', description => 'x', code => $code, base => ['Patient'], type => 'token');
for my $n (1 .. 3) {
    is $stack->post('/SearchParameter', body => { %own, url => "urn:own:$$:$n" })->{status}, 201, 'one is stored';
}
is scalar(walk("/SearchParameter?code=$code")), 3, 'found alone';
my @both = walk("/SearchParameter?base=Patient&code=$code,name,gender&_count=2");
is scalar(@both), 5, 'found with ours, page by page';
is join(' ', map { $_->{id} } @both[0, 1]), 'Patient-gender Patient-name', 'ours first';
is scalar(keys %{ { map { ($_->{id} => 1) } @both } }), 5, 'each once';
$res = $stack->get("/SearchParameter?base=Patient&code=$code,name,gender&_count=2&_offset=2&_total=accurate");
my %link = map { ($_->{relation} => $_->{url}) } @{ $res->{json}{link} };
is $res->{json}{total}, 5, 'counted together';
is join(' ', map { $_->{resource}{id} } @{ $stack->get($link{previous})->{json}{entry} }), 'Patient-gender Patient-name', 'the page before';
is $stack->put('/SearchParameter/Patient-gender', body => { %own, id => 'Patient-gender' })->{status}, 201, 'one with an id of ours is stored';
is $stack->get('/SearchParameter/Patient-gender')->{json}{code}, $code, 'and read';
is $stack->delete('/SearchParameter/Patient-gender')->{status}, 204, 'deleted';
is $stack->get('/SearchParameter/Patient-gender')->{json}{code}, 'gender', 'and ours is there again';

# --- OperationDefinitions -------------------------------------------------------

my %operation = map { ($_->{id} => $_) } walk('/OperationDefinition?_count=100');
my (%of, @wrong);
for my $at ([ '', $rest->{operation} ], map { [ $_->{type}, $_->{operation} ] } @types) {
    my ($type, $list) = @$at;
    for my $claim (@{ $list // [] }) {
        my ($id) = $claim->{definition} =~ m{^\Q$fhir\E/OperationDefinition/(.*)$};
        my $is = $operation{ $id // '' };
        push @wrong, "$type $claim->{name}: no definition" if !$is;
        next if !$is;
        $of{$type}{ $claim->{name} } = $is;
        push @wrong, "$type $claim->{name}: of another name" if $is->{code} ne $claim->{name};
        push @wrong, "$type $claim->{name}: not at this level" if !($type eq '' ? $is->{system} : $is->{type} || $is->{instance});
        push @wrong, "$type $claim->{name}: of other types" if $type ne '' && !grep { $_ eq $type || $_ eq 'Resource' } @{ $is->{resource} };
    }
}
is join(', ', @wrong), '', 'every operation that is claimed has its definition';
my %used = map { map { ($_->{id} => 1) } values %$_ } values %of;
is join(' ', grep { !$used{$_} } sort keys %operation), '', 'and every definition is claimed';
my @codes = sort keys %{ { map { ($_->{code} => 1) } values %operation } };
@wrong = ();
for my $type ('', qw(Patient Observation Encounter Group ValueSet CodeSystem Practitioner)) {
    for my $name (@codes) {
        my $is = $of{$type}{$name} // {};
        my %want = $type eq '' ? ('' => $is->{system}) : ("/$type" => $is->{type}, "/$type/none" => $is->{instance});
        for my $where (sort keys %want) {
            # An unknown parameter is refused before anything is done; some
            # are for administrators alone.
            my $status = $stack->post("$where/\$$name", body => { resourceType => 'Parameters', parameter => [ { name => 'nonsense', valueString => 'x' } ] })->{status};
            push @wrong, "$where/\$$name $status" if !!$want{$where} != !!($status == 400 || $status == 403);
            push @wrong, "GET $where/\$$name" if $is->{affectsState} && $stack->get("$where/\$$name?nonsense=x")->{status} != 405 && $want{$where};
        }
    }
}
is join(', ', @wrong), '', 'each is where it is claimed, and nowhere else';
for my $is (values %operation) {
    is $stack->post('/OperationDefinition/$validate', body => $is)->{json}{issue}[0]{severity}, 'information', "$is->{id} is valid";
}
is join(' ', map { $_->{id} } walk('/OperationDefinition?code=expand&type=true&system=false')), 'ValueSet-expand', 'found by code and level';

# --- OperationOutcomes ----------------------------------------------------------

my $id = $stack->post('/Patient', body => { resourceType => 'Patient' })->{json}{id};
my @bad = (
    [ GET    => '/Patient/none' ], [ GET => '/Nonsense' ], [ GET => '/nothing' ], [ GET => '/Patient?nmae=x' ], [ GET => '/Patient?birthdate=x' ],
    [ GET    => "/Patient/$id/_history/99" ], [ PATCH => '/nothing' ], [ POST => '/Patient', '{' ], [ POST => '/Patient', { resourceType => 'Patient', gender => 'x', nam => 1 } ],
    [ PUT    => "/Patient/$id", { resourceType => 'Patient' } ], [ POST => '', { resourceType => 'Bundle', type => 'batch', entry => 1 } ],
    [ POST   => '', { resourceType => 'Bundle', type => 'transaction', entry => [ { request => { method => 'PUT', url => 'Patient' } } ] } ],
    [ GET    => '/metadata?mode=x' ], [ GET => '/Patient?_format=xml' ], [ POST => '/Patient/$validate', { resourceType => 'Patient' } ],
    [ GET    => '/ValueSet/$expand' ], [ GET => '/ValueSet/$expand?url=urn:none' ], [ DELETE => '/Patient' ],
);
for my $row (@bad) {
    my ($method, $where, $body) = @$row;
    $res = $stack->request($method, $where, body => $body);
    is $res->{json}{resourceType}, 'OperationOutcome', "$method $where: an OperationOutcome" or diag $res->{content};
    for my $issue (@{ $res->{json}{issue} }) {
        is join(' ', grep { !defined $issue->{$_} } qw(severity code details diagnostics expression)), '', '... with all members' or diag $res->{content};
        ok length $issue->{details}{text}, '... and a text';
    }
}

done_testing;

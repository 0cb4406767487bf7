# Searches of the whole server, of several types or of all: by query, form and
# batch, page by page. R4 http.html#search

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('system-' . time);
my %client = (tenant => $tenant, tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($stack->client(%client, name => 'system', scopes => 'system:read system:write system:admin'));
my $some   = $stack->token($stack->client(%client, name => 'some', scopes => 'clinical:read'));
my $theirs = $stack->token($stack->client(%client, tenant => $stack->tenant('system-other-' . time), name => 'theirs'));
$stack->settle;

sub ask { my ($method, $where, %o) = @_; return $stack->request($method, $where, token => $token, %o) }

sub put {
    my ($type, $id, %members) = @_;
    my $res = ask(PUT => "/$type/$id", token => $members{-token} // $token,
        body => { resourceType => $type, id => "$id", map { ($_ => $members{$_}) } grep { !/^-/ } keys %members });
    $res->{status} == 201 or die "$type/$id: $res->{status} $res->{content}";
    return;
}
my %tag  = (meta => { tag => [ { system => 'urn:t', code => 'mine' } ], source => 'urn:s', profile => ['http://acme.org/p'] });
my %code = (status => 'final', code => { text => 'c' }, subject => { reference => 'Patient/a' });

put(Patient     => "a", %tag);
put(Patient     => "b");
put(Patient     => "a", -token => $theirs, %tag);
put(Observation => $_, %code, effectiveDateTime => "2025-01-0$_", $_ % 2 ? %tag : ()) for 1 .. 5;
put(Encounter   => "a", status => 'finished', class => { code => 'AMB' }, %tag);
put(Organization => "a", name => 'o');

sub names { return join ' ', map { "$_->{resource}{resourceType}/$_->{resource}{id}" } grep { $_->{search}{mode} ne 'outcome' } @{ $_[0]{entry} // [] } }

sub found {
    my ($search, %o) = @_;
    my $res = ask(GET => $search, %o);
    return $res->{status} == 200 ? join ' ', sort split ' ', names($res->{json}) : "$res->{status} $res->{content}";
}

my $all = 'Encounter/a Observation/1 Observation/2 Observation/3 Observation/4 Observation/5 Organization/a Patient/a Patient/b';
my @found = (
    [ '',                                        $all ],
    [ '/',                                       $all ],
    [ '?_type=Patient,Encounter',                'Encounter/a Patient/a Patient/b' ],
    [ '?_type=Patient,Observation&_tag=urn:t|mine', 'Observation/1 Observation/3 Observation/5 Patient/a' ],
    [ '?_tag=mine',                              'Encounter/a Observation/1 Observation/3 Observation/5 Patient/a' ],
    [ '?_tag:not=mine',                          'Observation/2 Observation/4 Organization/a Patient/b' ],
    [ '?_profile=http://acme.org/p&_type=Encounter,Patient', 'Encounter/a Patient/a' ],
    [ '?_source=urn:s&_tag=mine&_type=Encounter,Patient',    'Encounter/a Patient/a' ],
    [ '?_id=a',                                  'Encounter/a Organization/a Patient/a' ],
    [ '?_id=a,1&_type=Observation,Patient',      'Observation/1 Patient/a' ],
    [ '?_lastUpdated=ge2020',                    $all ],
    [ '?_lastUpdated=lt2020',                    '' ],
    [ '?_lastUpdated=ge2020&_type=Patient,Device', 'Patient/a Patient/b' ],
    [ '?_type=Claim,Device',                     '' ],
    [ '?_type=Observation&date=2025-01-02',      'Observation/2' ],
    [ '?_type=Patient,Encounter&_id=b&_include=Encounter:patient', 'Patient/b' ],
    [ '?_type=Observation,Encounter&_tag=mine&_id=1,3&_include=Observation:subject', 'Observation/1 Observation/3 Patient/a' ],
    [ '?_type=Patient,Encounter&_id=a&_revinclude=Observation:subject&_tag=mine',
      'Encounter/a Observation/1 Observation/2 Observation/3 Observation/4 Observation/5 Patient/a' ],
);
is found($_->[0]), $_->[1], "GET $_->[0]" for @found;
is found('', token => $theirs), 'Patient/a', 'each tenant has its own';

# Rights: a type that is named is needed, of all types those that may be seen.
is found('', token => $some), $all =~ s{ Patient/\w}{}gr, 'all types that the token may search';
is ask(GET => '?_type=Observation,Patient', token => $some)->{status}, 403, 'a type that it may not';
is ask(GET => '?_type=Patient', token => '')->{status}, 401, 'without a token there is nothing';

# Every record once, page by page, both ways, in every order.
for my $search ('?_count=2', '?_type=Patient,Observation&_count=1', '?_tag=mine&_count=2', '?_lastUpdated=ge2020&_count=3',
    '?_sort=_lastUpdated&_count=2', '?_sort=-_lastUpdated&_count=4&_type=Observation,Patient', '?_sort=_id&_tag=mine&_count=2') {
    my $whole = names(ask(GET => $search =~ s/&?_count=\d+//r)->{json});
    my (@there, $last);
    for (my $url = $search; $url;) {
        $last = ask(GET => $url)->{json};
        push @there, split ' ', names($last);
        ($url) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $last->{link} };
    }
    is "@there", $whole, "$search: each record once, in the order of the whole";
    my @back = split ' ', names($last);
    while (my ($url) = map { $_->{url} } grep { $_->{relation} eq 'previous' } @{ $last->{link} }) {
        $last = ask(GET => $url)->{json};
        unshift @back, split ' ', names($last);
    }
    is "@back", $whole, '... and backwards';
}
is names(ask(GET => '?_type=Observation,Patient&_sort=-_lastUpdated&_count=1')->{json}), 'Observation/5', 'the newest';

is ask(GET => '?_type=Patient,Observation&_total=accurate&_count=1')->{json}{total}, 7, 'a total of some types';
is ask(GET => '?_summary=count')->{json}{total}, 9, 'and of all';
is ask(GET => '?_tag=mine&_count=0&_total=estimate')->{json}{total}, 5, 'and of conditions';
my $cut = ask(GET => '?_type=Patient,Observation&_tag=mine&_elements=subject')->{json};
ok((!grep { $_->{resource}{effectiveDateTime} } @{ $cut->{entry} }), '_elements of one of the types');
my ($self) = map { $_->{url} } grep { $_->{relation} eq 'self' } @{ $cut->{link} };
is $self, $stack->env('FHIR_URL') . '?_type=Patient%2CObservation&_tag=mine&_elements=subject', 'the self link is of the base';

is ask(POST => '/_search', type => 'application/x-www-form-urlencoded', body => '_type=Patient,Encounter&_tag=mine')->{json}{entry}[1]{search}{mode}, 'match', 'by a form';
my $batch = { resourceType => 'Bundle', type => 'batch', entry => [ { request => { method => 'GET', url => '?_type=Patient,Encounter&_tag=mine' } } ] };
is scalar @{ ask(POST => '', body => $batch)->{json}{entry}[0]{resource}{entry} // [] }, 2, 'in a batch';

my @refused = (
    [ '?_type=Patient,Observatoin',           qr/'Observatoin'; did you mean 'Observation'/ ],
    [ '?_type=Patient&_type=Observation',     qr/'_type' may be given once/ ],
    [ '?_type=',                              qr/'_type' has no value/ ],
    [ '?_type=Patient,Observation&code=x',    qr/'code'/ ],
    [ '?_type=Patient,Observation&_sort=date', qr/'date'/ ],
    [ '?nonsense=1',                          qr/'nonsense'/ ],
    [ '?_elements=nonsense',                  qr/'nonsense'/ ],
    [ '?_type=Patient,Encounter&_include=Observation:subject', qr/does not begin/ ],
    [ '/Patient?_type=Observation',           qr/'_type' is of searches of the whole server/ ],
);
for my $row (@refused) {
    my $res = ask(GET => $row->[0]);
    is $res->{status}, 400, "$row->[0] is refused";
    like $res->{json}{issue}[0]{details}{text}, $row->[1], '... by name';
}

done_testing;

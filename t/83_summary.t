# Parts of records: _summary and _elements on searches, reads, versions and
# histories. R4 search.html#summary, #elements

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('summary-' . time);
my $token  = $stack->token($stack->client(tenant => $tenant, name => 'summary', tier => 'enterprise', hour => 1000000, minute => 1000000));
$stack->settle;

sub ask { my ($method, $where, %o) = @_; return $stack->request($method, $where, token => $token, %o) }

my $json = q({"resourceType":"Observation","id":"o1","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">o</div>"},)
  . q("status":"final","code":{"text":"weight"},"valueQuantity":{"value":1.10,"unit":"kg"},"note":[{"text":"n"}]});
is ask(PUT => '/Observation/o1', body => $json)->{status}, 201, 'a record';
is ask(PUT => '/Observation/o1', body => $json =~ s/1\.10/2.50/r)->{status}, 200, 'and its second version';

sub members { return join ' ', grep { !/^(?:resourceType|id|meta)$/ } sort keys %{ $_[0] // {} } }

sub subsetted {
    return scalar grep { $_->{code} eq 'SUBSETTED' && $_->{system} =~ /v3-ObservationValue$/ } @{ $_[0]{meta}{tag} // [] };
}

# What is left, by what is asked.
my %left = (
    '_summary=true'        => 'code status valueQuantity',
    '_summary=text'        => 'code status text',
    '_summary=data'        => 'code note status valueQuantity',
    '_elements=note'       => 'code note status',
    '_elements=value,text' => 'code status text valueQuantity',
);
my %places = (
    'a search'        => [ '/Observation?_id=o1&',        sub { $_[0]{entry}[0]{resource} } ],
    'a read'          => [ '/Observation/o1?',            sub { $_[0] } ],
    'a version'       => [ '/Observation/o1/_history/1?', sub { $_[0] } ],
    'a history'       => [ '/Observation/o1/_history?',   sub { $_[0]{entry}[1]{resource} } ],
);
for my $place (sort keys %places) {
    my ($where, $take) = @{ $places{$place} };
    for my $query (sort keys %left) {
        my $res = ask(GET => "$where$query");
        is $res->{status}, 200, "$place with $query";
        my $record = $take->($res->{json});
        is members($record), $left{$query}, '... has what was asked';
        ok subsetted($record), '... and is tagged';
        like $record->{meta}{versionId}, qr/^[12]$/, '... with its version';
    }
    my $whole = $take->(ask(GET => "${where}_summary=false")->{json});
    is members($whole), 'code note status text valueQuantity', "$place with _summary=false is whole";
    ok !subsetted($whole), '... and not tagged';
    for my $bad ('_summary=some', '_elements=nonsense', '_elements=id&_summary=true', '_summary=true&_summary=true') {
        my $res = ask(GET => "$where$bad");
        is $res->{status}, 400, "$place with $bad is refused";
        like $res->{json}{issue}[0]{details}{text}, qr/'_(?:summary|elements)'/, '... by name';
        is ask(GET => "$where$bad", headers => { prefer => 'handling=lenient' })->{status}, 200, '... unless it may be ignored';
    }
}
like ask(GET => '/Observation/o1?_elements=value')->{content}, qr/"value":2\.50,/, 'digits stay';
like ask(GET => '/Observation?_summary=true')->{content},      qr/"value":2\.50,/, 'of searches, too';
is ask(GET => '/Observation/o1?_elements=value')->{headers}{etag}, 'W/"2"', 'the version is that of the whole';
is ask(GET => '/Observation/o1?_summary=count')->{status}, 400, 'one record is not counted';

my $history = ask(GET => '/Observation/o1/_history?_summary=count')->{json};
is $history->{total}, 2, 'versions are counted';
ok !$history->{entry}, '... without entries';
$history = ask(GET => '/Observation/o1/_history?_summary=data&_count=1')->{json};
my ($next) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $history->{link} };
like $next, qr/_summary=data/, 'the next page of a history is the same';
is members(ask(GET => $next)->{json}{entry}[0]{resource}), $left{'_summary=data'}, '... and so are its records';

ask(PUT => "/Observation/p$_", body => $json =~ s/"o1"/"p$_"/r) for 1 .. 3;
my $page = ask(GET => '/Observation?_elements=note&_count=2')->{json};
($next) = map { $_->{url} } grep { $_->{relation} eq 'next' } @{ $page->{link} };
is members(ask(GET => $next)->{json}{entry}[0]{resource}), 'code note status', 'the next page of a search is the same';
is ask(POST => '/Observation/_search', type => 'application/x-www-form-urlencoded', body => '_summary=text&_id=o1')->{json}{entry}[0]{resource}{text}{status},
  'generated', 'by a form, too';

my $batch = { resourceType => 'Bundle', type => 'batch', entry => [ { request => { method => 'GET', url => 'Observation/o1?_elements=note' } } ] };
is members(ask(POST => '', body => $batch)->{json}{entry}[0]{resource}), 'code note status', 'in a batch, too';

done_testing;

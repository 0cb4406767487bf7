# _sort by parameters of every kind: least value first, or greatest, records
# without a value last, and the same order by pages in both directions.

use strict;
use utf8;
use warnings;
use lib 't/lib';

use JSON::PP;
use Stack;
use Test::More;

my $stack  = Stack->new;
my $tenant = $stack->tenant('sort-' . time);
my $client = $stack->client(tenant => $tenant, name => 'sort', tier => 'enterprise', hour => 1000000, minute => 1000000);
my $token  = $stack->token($client);

sub get { return $stack->get($_[0], token => $token, @_[ 1 .. $#_ ]) }

sub put {
    my ($record) = @_;
    my $res = $stack->put("/$record->{resourceType}/$record->{id}", token => $token, body => $record);
    $res->{status} == 201 or die "$res->{status} $res->{content}";
    return;
}

sub shown { return map { $_->{resource}{id} } @{ $_[0]{entry} // [] } }

sub link_of {
    my ($bundle, $relation) = @_;
    my ($url) = map { $_->{url} } grep { $_->{relation} eq $relation } @{ $bundle->{link} };
    return $url && $url =~ s{^.*/fhir}{}r;
}

# The ids of a search by pages of three; and whether the way back shows the
# same pages.
sub walk {
    my ($search) = @_;
    my @pages;
    my $url = "$search&_count=3";
    while (defined $url) {
        my $res = get($url);
        return ("$res->{status}: $res->{content}", 0) if $res->{status} != 200;
        push @pages, $res->{json};
        $url = link_of($res->{json}, 'next');
    }
    my ($same, $at) = (1, $#pages);
    for ($url = link_of($pages[-1], 'previous'); defined $url && $at > 0;) {
        my $page = get($url)->{json};
        $same &&= join(' ', shown($page)) eq join(' ', shown($pages[ --$at ]));
        $url = link_of($page, 'previous');
    }
    return (join(' ', map { shown($_) } @pages), $same && $at == 0);
}

# number, unit, status, code, subject, date: '' = none
my @rows = (
    [ 'a', 7.5,   'kg', 'final',     'x2', 'Patient/2', '2020-01-05' ],
    [ 'b', -3,    'kg', 'amended',   'x1', 'Patient/1', '2020-01-04' ],
    [ 'c', '',    'kg', 'final',     'x3', '',          '2020-01-03' ],
    [ 'd', 7.25,  'kg', 'cancelled', 'x1', 'Patient/3', '' ],
    [ 'e', 100,   'kg', 'final',     '',   'Patient/1', '2020-01-01' ],
    [ 'f', 0.001, 'g',  'amended',   'x4', 'Device/9',  '2020-01-02' ],
    [ 'g', '',    '',   'final',     'x2', '',          '2020-01-06' ],
);
for my $row (@rows) {
    my ($id, $number, $unit, $status, $code, $subject, $date) = @$row;
    my %o = (resourceType => 'Observation', id => $id, status => $status, code => { text => 'something' });
    $o{valueQuantity} = { unit => $unit, $number eq '' ? () : (value => $number) } if $unit ne '';
    $o{code}{coding} = [ { system => 'http://acme.org', code => $code } ] if $code ne '';
    $o{subject} = { reference => $subject } if $subject ne '';
    $o{effectiveDateTime} = $date if $date ne '';
    put(\%o);
}

# The order by one column, ties as given: those without a value last.
sub by {
    my ($column, $down, $numeric, @ids) = @_;
    my %row = map { $_->[0] => $_ } @rows;
    return sort {
        my ($x, $y) = map { $row{$_}[$column] } $a, $b;
        my $c = $numeric ? $x <=> $y : $x cmp $y;
        $down ? -$c : $c;
    } grep { $row{$_}[$column] ne '' } @ids;
}

sub without { my ($column) = @_; return map { $_->[0] } grep { $_->[$column] eq '' } @rows }

for (
    [ 'value-quantity', 1, 1 ], [ 'status', 3 ], [ 'code', 4 ], [ 'subject', 5 ], [ 'date', 6 ],
    [ 'combo-value-quantity', 1, 1 ], [ 'combo-code', 4 ],
    ) {
    my ($param, $column, $numeric) = @$_;
    for my $narrow ('', '&status=final,amended,cancelled') {
        for my $down (0, 1) {
            my ($ids, $back) = walk("/Observation?_sort=" . ($down ? '-' : '') . "$param,_id$narrow");
            my @with = by($column, $down, $numeric, sort map { $_->[0] } @rows);
            is $ids, join(' ', @with, sort { $a cmp $b } without($column)),
                ($down ? 'greatest' : 'least') . " $param first, with _id" . ($narrow && ', narrowed');
            ok $back, '... and back again';
        }
    }
}

# One key alone may walk an index of its own.
for my $param (qw(value-quantity code status subject)) {
    my %column = ('value-quantity' => 1, status => 3, code => 4, subject => 5);
    my ($ids, $back) = walk("/Observation?_sort=$param");
    my %row = map { $_->[0] => $_ } @rows;
    my @missing = without($column{$param});
    my @found   = split ' ', $ids;
    is join(' ', sort @found[ @found - @missing .. $#found ]), join(' ', @missing), "$param alone: those without are last";
    my @values = map { $row{$_}[ $column{$param} ] } @found[ 0 .. $#found - @missing ];
    is "@values", join(' ', $param eq 'value-quantity' ? sort { $a <=> $b } @values : sort @values), '... the others in order';
    ok $back, '... and back again';
}

is +(walk('/Observation?_sort=status,-value-quantity,_id'))[0], 'f b d e a c g', 'a token, then a quantity downwards';
is +(walk('/Observation?_sort=-subject,code,_id'))[0], 'd a b e f g c', 'a reference downwards, then a token';
is +(walk('/Observation?value-quantity=gt7&_sort=-value-quantity'))[0], 'e a d', 'narrowed by what it is sorted by';
is +(walk('/Observation?_sort=_security,_id'))[0], 'a b c d e f g', 'by what nothing has';

# Other types and kinds: booleans, identifiers, uris, canonicals, numbers.
put({ resourceType => 'Patient', id => $_->[0], active => $_->[1], identifier => [ map { { value => $_ } } @{ $_->[2] } ] })
    for [ 'p1', JSON::PP::true, [ 'm', 'a' ] ], [ 'p2', JSON::PP::false, ['b'] ], [ 'p3', JSON::PP::true, ['z'] ];
is +(walk('/Patient?_sort=active,_id'))[0], 'p2 p1 p3', 'by a boolean';
is +(walk('/Patient?_sort=identifier'))[0], 'p1 p2 p3', 'by the least identifier';
is +(walk('/Patient?_sort=-identifier'))[0], 'p3 p1 p2', 'by the greatest identifier';
put({ resourceType => 'ValueSet', id => "v$_", status => 'active', url => "http://acme.org/" . (9 - $_) }) for 1 .. 4;
is +(walk('/ValueSet?_sort=url'))[0], 'v4 v3 v2 v1', 'by a uri';
put({   resourceType => 'RiskAssessment', id => "r$_", status => 'final', subject => { reference => 'Patient/p1' },
        prediction => [ { probabilityDecimal => (0.5, 0.25, 0.75)[$_] } ] }) for 0 .. 2;
is +(walk('/RiskAssessment?_sort=probability'))[0], 'r1 r0 r2', 'by a number';
is +(walk('/RiskAssessment?_sort=-probability'))[0], 'r2 r0 r1', 'by a number downwards';

# What has no order is refused by name.
my $res = get('/Observation?_sort=code-value-quantity');
is $res->{status}, 400, 'a composite has no order';
like $res->{content}, qr/Sort key 'code-value-quantity'/, '... says the refusal';
$res = get('/Observation?_sort=statos');
is $res->{status}, 400, 'an unknown key is refused';
like $res->{content}, qr/did you mean 'status'/, '... with the nearest';

done_testing;

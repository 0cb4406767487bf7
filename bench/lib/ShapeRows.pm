package ShapeRows;

# The shapes of search that a published suite asks of FHIR servers, and one-hop
# chains, with the data once and ten times: what a page costs must not grow
# with the data. The values are of the data itself and are found by a page at
# least, so that both pages are full; those of references are of few records
# each, whatever the size. What is gathered and sorted is bounded by a stated
# number of matches instead (search_plan.h) and has no ceiling here.

use strict;
use warnings;

use Load;
use Rows;
use Setup;

my $COUNT       = 20;       # records of a page
my $VALUES      = 20;       # of a shape, at most
my $CONNECTIONS = 16;
my $CEILING     = 1.3;

# What of a body holds the values, and the searches for one of them.
my @SHAPES = (
    {
        name   => 'token',
        values => [
            [ 'Observation', q(body #>> '{code,coding,0,code}'), 'code=%s' ],
            [ 'Observation', q(body #>> '{category,0,coding,0,code}'), 'category=%s' ],
            [ 'Encounter', q(body ->> 'status'), 'status=%s' ],
            [ 'Encounter', q(body #>> '{class,code}'), 'class=%s' ],
        ],
    },
    {
        name   => 'date',
        values => [
            map {
                ([ 'Observation', q(left(body ->> 'effectiveDateTime', 10)), "date=$_%s" ],
                    [ 'Encounter', q(left(body #>> '{period,start}', 10)), "date=$_%s" ])
            } qw(ge lt gt le sa eb)
        ],
        few => 1,
    },
    {
        name   => 'string prefix',
        values => [
            [ 'Patient', q(lower(left(body #>> '{name,0,family}', 1))), 'name=%s' ],
            [ 'Patient', q(lower(left(body #>> '{address,0,state}', 3))), 'address=%s' ],
            [ 'Organization', q(lower(left(body ->> 'name', 1))), 'name=%s' ],
        ],
    },
    {
        name   => 'string :contains', gathered => 1,
        values => [
            [ 'Patient', q(lower(substr(body #>> '{address,0,state}', 3, 5))), 'address:contains=%s' ],
            [ 'Organization', q(lower(substr(body ->> 'name', 3, 4))), 'name:contains=%s' ],
        ],
    },
    {
        name   => 'quantity',
        values => [
            (map { [ 'Observation', q(body #>> '{valueQuantity,value}'), "value-quantity=$_%s" ] } '', qw(gt lt ge le)),
            (map { [ 'Observation', q(body #>> '{component,0,valueQuantity,value}'), "combo-value-quantity=$_%s" ] } '', qw(gt lt)),
        ],
        few => 1,
    },
    {
        name   => 'composite',
        values => [
            [ 'Observation', q((body #>> '{code,coding,0,code}') || '%24gt' || trunc((body #>> '{valueQuantity,value}')::numeric / 2)), 'code-value-quantity=%s' ],
            [ 'Observation', q((body #>> '{component,0,code,coding,0,code}') || '%24gt50'), 'component-code-value-quantity=%s' ],
        ],
    },
    {
        name   => 'reference',
        values => [
            [ 'Observation', q(body #>> '{subject,reference}'), 'subject=%s' ],
            [ 'Encounter', q(body #>> '{subject,reference}'), 'subject=%s' ],
            [ 'MedicationRequest', q(body #>> '{subject,reference}'), 'subject=%s' ],
        ],
        own => 1,
    },
    {
        name   => 'sorted by date',
        values => [ [ 'Observation', q(body #>> '{code,coding,0,code}'), 'code=%s&_sort=-date' ] ],
    },
    {
        name   => 'sorted by last update', gathered => 1,
        values => [ [ 'Observation', q(body #>> '{code,coding,0,code}'), 'code=%s&_sort=-_lastUpdated' ] ],
    },
    {
        name   => 'chain of one hop',
        values => [ [ 'Patient', q(body #>> '{identifier,0,value}'), 'subject.identifier=%s', 'Observation' ] ],
        own    => 1,
        few    => 1,
    },
);

sub rows { return map { name($_) } @SHAPES }
sub name { my ($shape) = @_; return "search by $shape->{name}, CPU at 10x / at 1x" }

# Values that are found often enough in an instance, the most frequent first.
sub some_values {
    my ($x, $shape, $type, $value) = @_;
    my $often = $shape->{few} ? 1 : $COUNT;
    return split /\n/, $x->{instance}->sql("select value from (select $value as value from (select ver.body::jsonb as body from "
          . Setup::RECORDS . "where starts_with(ver.body, '{\"resourceType\":\"$type\"')) as record) as found "
          . "where value <> '' group by 1 having count(*) >= $often order by count(*) desc, value limit $VALUES");
}

# The searches of a shape; those that find no page are left out.
sub paths {
    my ($x, $shape) = @_;
    my @paths;
    for my $row (@{ $shape->{values} }) {
        my ($type, $value, $search, $asked) = @$row;
        push @paths, map { '/' . ($asked // $type) . '?' . sprintf($search, $_) . "&_count=$COUNT" }
          some_values($x, $shape, $type, $value);
    }
    return grep {
        my $res = $x->{instance}->stack->get($_, token => $x->{token});
        die "$_: $res->{status}\n" if $res->{status} != 200;
        @{ $res->{json}{entry} // [] } == $COUNT;
    } @paths;
}

sub run {
    my ($one, $ten) = @_;
    for my $shape (grep { wanted(name($_)) } @SHAPES) {
        my @small = paths($one, $shape);
        my @large = $shape->{own} ? paths($ten, $shape) : @small;
        die "$shape->{name}: no page is full\n" if !@small || !@large;
        my $file = $shape->{name} =~ s/\W+/-/gr;
        my %paths = (one => \@small, ten => \@large);
        my %variant;
        for my $x ($one, $ten) {
            my $list = write_lines("path-$file-$x->{name}", map { "/v3/fhir$_" } @{ $paths{ $x->{name} } });
            $variant{ $x->{name} } = sub {
                Load::http(url => $x->{http}, paths => $list, tokens => $x->{tokens},
                    connections => $CONNECTIONS, servers => $x->{instance}->servers);
            };
        }
        compare(interleave($ROUNDS, %variant), name($shape), 'ten', 'one', of => 'cpu_us',
            ($shape->{gathered} ? () : (ceiling => $CEILING)));
    }
    return;
}

1;

# Patient/$match: what makes a match and of which grade, and what says too
# little.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $own = "match-$$";

sub patient { my (%more) = @_; return { resourceType => 'Patient', %more } }

sub name { my ($family, @given) = @_; return (name => [ { family => $family, given => [@given] } ]) }

my $family = "Zw\x{fc}lf$$";
my %records = (
    a => patient(name($family, 'Anna', 'Maria'), birthDate => '1980-01-02', gender => 'female', identifier => [ { system => 'urn:mrn', value => "$own,1" } ]),
    b => patient(name(uc "Zwulf$$", 'ANNA'), birthDate => '1980-01-02', gender => 'female'),
    c => patient(name($family, 'Anna'), birthDate => '1980-01-02'),
    d => patient(name($family, 'Anna'), birthDate => '1980-01-02', gender => 'male'),
    e => patient(name($family, 'Anna'), birthDate => '1980-01-03', gender => 'female'),
    f => patient(name($family . 'er', 'Anna'), birthDate => '1980-01-02', gender => 'female'),
    g => patient(name('Other', 'Name'), birthDate => '1999-01-01', identifier => [ { system => 'urn:mrn', value => "$own,1" } ]),
);
is $stack->put("/Patient/$own.$_", body => { %{ $records{$_} }, id => "$own.$_" })->{status}, 201, "record $_" for sort keys %records;

# "a certain 1" of each entry.
sub match {
    my ($resource, @more) = @_;
    my $body = @more ? { resourceType => 'Parameters', parameter => [ { name => 'resource', resource => $resource }, @more ] } : $resource;
    my $res = $stack->post('/Patient/$match', body => $body);
    return $res->{status} if $res->{status} != 200;
    return join ', ', map {
        my ($id) = $_->{resource}{id} =~ /\.(\w)$/;
        "$id $_->{search}{extension}[0]{valueCode} $_->{search}{score}"
    } @{ $res->{json}{entry} // [] };
}

my %known = (name($family, 'Anna'), birthDate => '1980-01-02');
my $mrn = [ { system => 'urn:mrn', value => "$own,1" } ];
my $certain = { name => 'onlyCertainMatches', valueBoolean => JSON::PP::true };
for my $row (
    [ 'names and birth date', [ patient(%known, gender => 'female') ], 'a probable 0.9, b probable 0.9, c probable 0.8, d possible 0.4' ],
    [ 'without a gender', [ patient(%known) ], 'a probable 0.8, b probable 0.8, c probable 0.8, d probable 0.8' ],
    [ 'a second given name', [ patient(name(lc $family, 'maria'), birthDate => '1980-01-02') ], 'a probable 0.8' ],
    [ 'an identifier', [ patient(identifier => $mrn) ], 'a certain 1, g certain 1' ],
    [ 'an identifier and a person', [ patient(%known, gender => 'female', identifier => $mrn) ], 'a certain 1, b probable 0.9, c probable 0.8, g possible 0.6, d possible 0.4' ],
    [ 'count', [ patient(%known, gender => 'female'), { name => 'count', valueInteger => 1 } ], 'a probable 0.9' ],
    [ 'onlyCertainMatches', [ patient(%known, identifier => $mrn), $certain ], 'a certain 1' ],
    [ 'onlyCertainMatches of two', [ patient(identifier => $mrn), $certain ], '' ],
    [ 'onlyCertainMatches of none', [ patient(%known), $certain ], '' ],
    [ 'nobody', [ patient(identifier => [ { system => 'urn:mrn', value => "$own.none" } ]) ], '' ],
    [ 'another system', [ patient(identifier => [ { system => 'urn:other', value => "$own,1" } ]) ], '' ],
    [ 'an identifier without a system', [ patient(identifier => [ { value => "$own,1" } ]) ], '' ],
    [ 'no given name', [ patient(name => [ { family => $family } ], birthDate => '1980-01-02') ], '400' ],
    [ 'no birth date', [ patient(name($family, 'Anna')) ], '400' ],
    [ 'nothing', [ patient() ], '400' ],
    [ 'another type', [ { resourceType => 'Person' } ], '400' ],
    [ 'a bad count', [ patient(%known), { name => 'count', valueInteger => -1 } ], '400' ],
) {
    my ($what, $given, $wanted) = @$row;
    is match(@$given), $wanted, $what;
}
my $res = $stack->post('/Patient/$match', body => patient(identifier => $mrn));
is $res->{json}{type}, 'searchset', 'a searchset';
is $res->{json}{total}, 2, 'with its total';
is $res->{json}{entry}[0]{fullUrl}, $stack->env('FHIR_URL') . "/Patient/$own.a", 'and addresses';
delete $res->{json}{total};
is $stack->post('/Bundle/$validate', body => $res->{json})->{json}{issue}[0]{severity}, 'information', 'it is a valid Bundle'
  or diag $stack->post('/Bundle/$validate', body => $res->{json})->{content};
is $stack->post('/Practitioner/$match', body => { resourceType => 'Practitioner' })->{status}, 404, 'of patients alone';
my $writer = $stack->client(tenant => 'sandbox', name => 'matcher', scopes => 'system:write');
is $stack->post('/Patient/$match', body => patient(%known), token => $stack->token($writer))->{status}, 403, 'needs the right to search';

done_testing;

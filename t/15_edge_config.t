# Directives: wrong values are refused by nginx -t with file and line, and the
# test of a configuration needs no state.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $edge = Edge->new(no_state => 1, stopped => 1);
my $base = $edge->conf;

sub check {
    my ($text) = @_;
    Edge::write_file($edge->path('nginx/nginx.conf'), $text);
    my $out = '';
    open my $pipe, '-|', 'sh', '-c', '"$@" 2>&1', 'sh', $edge->command('-t') or die $!;
    { local $/ = undef; $out = <$pipe> // '' }
    close $pipe;
    return ($? == 0, $out);
}

my ($ok, $out) = check($base);
ok $ok, 'the configuration of conf/ is accepted, without any state' or diag $out;
($ok, $out) = check($base =~ s/^\s*include .*twocare.*$//gmr =~ s/ twocare;/;/r);
ok $ok, 'the module alone asks for nothing' or diag $out;

my @wrong = (
    [ 'server', 'twocare_zone small:8k;',                  'must have a size of at least 1m' ],
    [ 'server', 'twocare_zone :1m;',                       'must be "name:size"' ],
    [ 'server', 'twocare_zone a;',                         'must be "name:size"' ],
    [ 'http',   'twocare_zone other:1m;',                  'duplicate' ],
    [ 'server', 'twocare_zone twocare:2m;',                'conflicts with already declared' ],
    [ 'server', 'twocare_state "";',                       'must be a directory' ],
    [ 'server', 'twocare_auth maybe;',                     'invalid value "maybe"' ],
    [ 'server', 'twocare_limit maybe;',                    'invalid value "maybe"' ],
    [ 'server', 'twocare_answers xml;',                    'invalid value "xml"' ],
    [ 'server', 'twocare_leeway 10m;',                     'between 0 and 300' ],
    [ 'server', 'twocare_leeway x;',                       'invalid value' ],
    [ 'server', 'twocare_state_max_age 1s;',               'between 2 and 86400' ],
    [ 'server', 'twocare_limit_address 1;',                'invalid number of arguments' ],
    [ 'server', 'twocare_limit_address 1 x;',              'must be a number of requests' ],
    [ 'server', 'twocare_limit_address -1 1;',             'must be a number of requests' ],
    [ 'server', 'twocare_limit_address 99999999999 1;',    'must be a number of requests' ],
    [ 'server', 'twocare_limit_standard 1 1; twocare_limit_standard 1 1;', 'duplicate' ],
    [ 'server', "twocare_scope 'a b';",                    'is not a scope' ],
    [ 'server', 'twocare_error;',                          'not allowed here' ],
    [ 'bare',   'twocare_limit on;',                       'needs "twocare_zone"' ],
    [ 'bare',   'twocare_auth on;',                        '"twocare_auth" needs' ],
);
for my $row (@wrong) {
    my ($place, $line, $why) = @$row;
    my $text = $base;
    if ($place eq 'http') { $text =~ s/^    server \{/    $line\n    server {/m }
    elsif ($place eq 'server') { $text =~ s/(server_name edge\.test;)/$1 $line/ }
    else { $text = "load_module @{[ Edge::module() ]};\nevents {}\nhttp { server { $line } }\n" }
    ($ok, $out) = check($text);
    ok !$ok, "$line: refused";
    like $out, qr/\Q$why\E.* in \S+:\d+/, "  because: $why";
}

done_testing;

# Directives: wrong values are refused by nginx -t with file and line, and the
# test of a configuration needs no state.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $edge = Edge->new(no_state => 1, stopped => 1);
my $base = $edge->conf;
my $text;

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
    [ 'server', 'twocare_limit group=;',                   "a group's name must be 1 to 32" ],
    [ 'server', "twocare_limit 'group=a b';",              "a group's name must be 1 to 32" ],
    [ 'server', 'twocare_limit on; twocare_limit group=a;', 'duplicate' ],
    [ 'server', 'twocare_limit group=none;',               'there is no "twocare_limit_group none"' ],
    [ 'server', 'twocare_limit_group a;',                  'not allowed here' ],
    [ 'http',   'twocare_limit_group;',                    'invalid number of arguments' ],
    [ 'http',   'twocare_limit_group a; twocare_limit_group a;', 'duplicate' ],
    [ 'http',   'twocare_limit_group a clients=1/1;',      'invalid parameter "clients=1/1"' ],
    [ 'http',   'twocare_limit_group a client=1;',         'invalid parameter "client=1"' ],
    [ 'http',   'twocare_limit_group a client=1/;',        'must be a number of requests' ],
    [ 'http',   'twocare_limit_group a client=/1;',        'must be a number of requests' ],
    [ 'http',   'twocare_limit_group a address=1/67108863;', 'must be a number of requests' ],
    [ 'http',   'twocare_limit_group a client=1/1 client=2/2;', 'duplicate "client=2/2"' ],
    [ 'http',   'twocare_limit_group ' . 'a' x 33 . ';',   "a group's name must be 1 to 32" ],
    [ 'server', 'twocare_limit_dry_run maybe;',            'invalid value "maybe"' ],
    [ 'server', 'twocare_limit_fields maybe;',             'invalid value "maybe"' ],
    [ 'server', 'twocare_limit_overflow maybe;',           'invalid value "maybe"' ],
    [ 'server', 'twocare_limit_not_modified 11%;',         'must be "off" or "1%" to "10%"' ],
    [ 'server', 'twocare_limit_not_modified 0%;',          'must be "off" or "1%" to "10%"' ],
    [ 'server', 'twocare_limit_not_modified 5;',           'must be "off" or "1%" to "10%"' ],
    [ 'server', 'twocare_limit_not_modified 5%; twocare_limit_not_modified off;', 'duplicate' ],
    [ 'server', 'twocare_limit_not_modified "";',          'must be "off" or "1%" to "10%"' ],
    [ 'server', 'twocare_limit_failures many;',            'must be a number of requests' ],
    [ 'server', 'twocare_limit_failures -1;',              'must be a number of requests' ],
    [ 'server', 'twocare_limit_failures 1; twocare_limit_failures off;', 'duplicate' ],
    [ 'server', "twocare_scope 'a b';",                    'is not a scope' ],
    [ 'server', 'twocare_error;',                          'not allowed here' ],
    [ 'server', 'twocare_status;',                         'not allowed here' ],
    [ 'server', 'location /s { twocare_status xml; }',     'must be "json" or "prometheus"' ],
    [ 'server', 'location /s { twocare_status json; twocare_status; }', 'duplicate' ],
    [ 'bare',   'twocare_limit on;',                       'needs "twocare_zone"' ],
    [ 'bare',   'twocare_auth on;',                        '"twocare_auth" needs' ],
);
for my $row (@wrong) {
    my ($place, $line, $why) = @$row;
    $text = $base;
    if ($place eq 'http') { $text =~ s/^    server \{/    $line\n    server {/m }
    elsif ($place eq 'server') { $text =~ s/(server_name edge\.test;)/$1 $line/ }
    else { $text = "load_module @{[ Edge::module() ]};\nevents {}\nhttp { server { $line } }\n" }
    ($ok, $out) = check($text);
    ok !$ok, "$line: refused";
    like $out, qr/\Q$why\E.* in \S+:\d+/, "  because: $why";
}

# --- every directive is documented ----------------------------------------------------

my $source = Edge::read_file('ngx_module/ngx_http_twocare_module.c');
my $manual = Edge::read_file('ngx_module/README.md');
my ($table) = $source =~ /ngx_http_twocare_commands\[\] = \{(.*?)ngx_null_command/s;
my %manual = $manual =~ /^### (\w+)\n(.*?)(?=^##)/gms;
my %flags = (http => 'MAIN', server => 'SRV', location => 'LOC');
while ($table =~ /ngx_string\("(\w+)"\),\s*(.*?),/gs) {
    my ($name, $where) = ($1, $2);
    $where =~ s/NGX_HTTP_TWOCARE_ANYWHERE/MAIN_CONF|SRV_CONF|LOC_CONF/;
    my $section = $manual{$name} // '';
    like $section, qr/^Syntax: +$name\b.*;$/m,   "$name: its syntax is documented";
    like $section, qr/^Default: +(none|$name .*;)$/m, "$name: its default";
    like $section, qr/^Example: +.*\b$name\b.*;/m, "$name: an example";
    my ($contexts) = $section =~ /^Context: +(.*)$/m;
    is join(', ', grep { $where =~ /$flags{$_}_CONF/ } qw(http server location)), $contexts // '', "$name: its contexts";
    my ($example) = $section =~ /^Example: +(.*)$/m;
    next if $name =~ /^twocare_(state|zone|error)$/;
    my $http = 'twocare_zone a:1m; twocare_state /s; twocare_issuer i; twocare_audience a; ';
    $text = $contexts eq 'http' ? $edge->bare("$http$example", '')
      : $edge->bare("${http}twocare_limit_group reports;", "location / { $example }");
    ($ok, $out) = check($text);
    ok $ok, "$name: the example is accepted" or diag $out;
    next if $section !~ /^Default: +($name .*;)$/m;
    my $default = $1;
    ($ok, $out) = check($text =~ s/\Q$example\E/$default/r);
    ok $ok, "$name: so is the default" or diag $out;
}
like $manual, qr/`[\$]$_`/, "\$$_ is documented"
  for Edge::read_file('ngx_module/ngx_http_twocare_variables.c') =~ /ngx_string\("(twocare_\w+)"\)/g;

done_testing;

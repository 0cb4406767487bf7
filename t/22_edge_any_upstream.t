# The module alone: no backend, no state directory and no include of ours. Any
# upstream (here by proxy_pass) is told who asks, by headers that no client can
# send itself; places ask for scopes by method, and may let anybody in.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $iss  = 'https://idp.test';
my $api  = 'https://api.test';
my $edge = Edge->new(no_state => 1, stopped => 1);
my $dir  = $edge->path('state');
Edge::write_file("$dir/$_.json", Edge::run(Edge::tool('tool_edge'), 'jwks', $edge->key("RS256-$_"))) for qw(a b);

sub conf {
    my ($server, $locations) = @_;
    return $edge->bare(<<"HTTP", <<"SERVER");
underscores_in_headers on;
log_format verdict '\$request_uri \$status \$twocare_verdict/\$twocare_reason';
twocare_zone any:1m;
twocare_audience $api;
twocare_issuer $iss keys=$dir/a.json;
twocare_claim \$roles realm_access roles;
twocare_claim \$given "https://idp.test/given name";
server {        # somebody else's application: it answers with what it got
    listen unix:$dir/app.sock;
    location / {
        default_type text/plain;
        return 200 "user=\$http_x_user|scope=\$http_x_scope|roles=\$http_x_roles|given=\$http_x_given|verdict=\$http_x_verdict|auth=\$http_authorization|cookie=\$http_cookie|other=\$http_x_other|list=\$http_x_list|n=\$http_x_n|no=\$http_x_no|obj=\$http_x_obj|under=\$http_x__user";
    }
}
HTTP
access_log $edge->{dir}/log/access.log verdict;
$server
location / { proxy_pass http://unix:$dir/app.sock; }
$locations
SERVER
}
my $server = <<'END';
twocare_auth on;
twocare_header X-User    $twocare_claim_sub;
twocare_header X-Scope   $twocare_scope;
twocare_header X-Roles   $roles;
twocare_header X-Given   $given;
twocare_header X-Verdict $twocare_verdict;
END
my $app = "proxy_pass http://unix:$dir/app.sock;";
Edge::write_file($edge->path('nginx/nginx.conf'), conf($server, <<"END"));
location /open     { twocare_auth optional; $app }
location /off      { twocare_auth off; $app }
location /any      { satisfy any; allow all; $app }
location /own      { proxy_set_header Cookie x=y; twocare_header X-User "me"; twocare_header Authorization ""; $app }
location /kinds    { twocare_header X-List \$twocare_claim_list; twocare_header X-N \$twocare_claim_n;
                     twocare_header X-No \$twocare_claim_nothing; twocare_header X-Obj \$twocare_claim_obj; $app }
location /fallback { error_page 404 = \@app; root $dir; }
location \@app     { $app }
location /scoped   { twocare_scope GET patient/*.read system/*.read; twocare_scope POST PUT patient/*.write; $app
    location /scoped/default { twocare_scope GET read; twocare_scope write; $app }
    location /scoped/both    { twocare_scope GET read; twocare_scope GET POST really; $app }
    location /scoped/off     { twocare_scope off; $app } }
location /limited  { twocare_limit on; twocare_limit_standard 4 4; twocare_answers json; $app
    location /limited/b { twocare_issuer https://b.test keys=$dir/b.json; $app } }
END
$edge->start;

sub token { my (@how) = @_; return $edge->mint(-key => 'RS256-a', iss => $iss, aud => $api, @how) }
sub told { my ($path, %how) = @_; my $res = $edge->get($path, %how); return { status => $res->{status}, map { /^(\w+)=(.*)$/s ? ($1 => $2) : () } split /\|/, $res->{body} } }

# --- headers ----------------------------------------------------------------------------

my $token = token(realm_access => { roles => [ 'nurse', 'admin' ] }, 'https://idp.test/given name' => "Zo\x{eb}", scope => 'a b');
my $told  = told('/', token => $token);
is $told->{status}, 200, 'an application behind proxy_pass, and nothing of 2care but the module';
is $told->{user},    'user_1',      'a claim as a header';
is $told->{scope},   'a b',         'our own variables, too';
is $told->{roles},   'nurse admin', 'a claim inside an object; texts of a list are words';
is $told->{given},   "Zo\xc3\xab",  'a claim whose name no variable can spell';
is $told->{verdict}, 'accepted',    'the verdict';

my @forged = map { ($_ => 'forged') } qw(X-User x-user X_User X-USER X-Roles X-Verdict X-Scope), 'X-Given';
for my $path (qw(/ /open /off /any /own /fallback/none)) {
    for my $with ($token, undef) {
        my $res = $edge->get($path, token => $with, headers => [ @forged, 'X-Other' => 'kept', Cookie => 'c=d' ]);
        unlike $res->{body}, qr/forged/, "$path: no client's own header passes" . ($with ? '' : ' without a token');
        next if $res->{status} != 200;
        like $res->{body}, qr/other=kept/, '  others do';
    }
}
is told('/open', headers => \@forged)->{verdict}, 'anonymous', 'a header that is set is ours alone';
is told('/off', token => $token, headers => \@forged)->{user}, '', 'where tokens are not looked at there are no claims';
$told = told('/own', token => $token, headers => [ Cookie => 'c=d' ]);
is $told->{user}, 'me', 'a place replaces a header by name';
is $told->{scope}, 'a b', 'and keeps those of the level above';
is $told->{auth}, '', 'the token ends here when Authorization is set empty';
is $told->{cookie}, 'x=y', 'proxy_set_header works beside it';
like told('/', token => $token)->{auth}, qr/^Bearer ey/, 'elsewhere it goes on';
is $edge->raw_parsed("GET /own HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer $token\r\nAuthorization: Bearer $token\r\n\r\n")->{status},
  400, 'two tokens are seen before they are taken away';
$told = told('/fallback/none', token => $token);
is $told->{user}, 'user_1', 'kept over internal redirects';

# --- kinds of values ------------------------------------------------------------------------

my %kinds = (
    'a list of texts'        => [ { list => [qw(a b c)] },        list => 'a b c' ],
    'an empty list'          => [ { list => [] },                 list => '' ],
    'a list of other things' => [ { list => [ 1, 'b' ] },         list => '[1,"b"]' ],
    'a text with a blank'    => [ { list => [ 'a b', 'c' ] },     list => '["a b","c"]' ],
    'a number'               => [ { n => 12.5 },                  n => '12.5' ],
    'true'                   => [ { n => JSON::PP::true },        n => 'true' ],
    'null'                   => [ { n => undef },                 n => '' ],
    'an object'              => [ { obj => { a => 1 } },          obj => '{"a":1}' ],
    'none'                   => [ {},                             no => '' ],
    'an escaped text'        => [ { n => 'a"b\\c' },              n => 'a"b\\c' ],
    'a new line'             => [ { n => "a\r\nX-User: root" },   n => '' ],
    'a new line in a list'   => [ { list => [ "a\nb" ] },         list => '' ],
    'a control character'    => [ { n => "a\x{1}b" },             n => '' ],
);
for my $what (sort keys %kinds) {
    my ($claims, $name, $expect) = @{ $kinds{$what} };
    my $bad = $what eq 'null' ? token(-claims => $edge->claims(iss => $iss, aud => $api) =~ s/\}$/,"n":null}/r) : token(%$claims);
    for my $round ('verified', 'remembered') {
        $told = told('/kinds', token => $bad);
        is $told->{$name}, $expect, "$what: $round";
        is $told->{user}, 'user_1', '  and no other header is changed by it';
    }
}

# --- anybody may come in, and the verdict tells ---------------------------------------------------

my @verdicts = (
    [ 'no token',           [],                                   'anonymous', 'no_token' ],
    [ 'a good one',         [ token => $token ],                  'accepted',  '' ],
    [ 'an expired one',     [ token => token(exp => time - 60) ], 'rejected',  'expired' ],
    [ 'garbage',            [ token => 'x' ],                     'rejected',  'malformed' ],
    [ 'another issuer',     [ token => token(iss => 'https://x.test') ], 'rejected', 'wrong_issuer' ],
    [ 'another scheme',     [ headers => [ Authorization => 'Basic eDp5' ] ], 'rejected', 'other_scheme' ],
);
for my $row (@verdicts) {
    my ($what, $how, $verdict, $reason) = @$row;
    my $path = '/open/' . $what =~ tr/ /_/r;
    $told = told($path, @$how);
    is $told->{status}, 200, "$what: let in";
    is $told->{verdict}, $verdict, "  as $verdict";
    is $told->{user}, $verdict eq 'accepted' ? 'user_1' : '', '  with claims only when the token is good';
    ok Edge::wait_for(2, sub { $edge->access_log =~ m{^\Q$path\E 200 $verdict/$reason$}m }), "  and logged as $verdict/$reason";
}
is $edge->get('/off')->{status}, 200, 'off: not looked at';
ok Edge::wait_for(2, sub { $edge->access_log =~ m{^/off 200 /$}m }), '  and no verdict';

# --- scopes by method ---------------------------------------------------------------------------------

my @scopes = (
    # method, path, granted, status, scope= of the challenge
    [ GET    => '/scoped',         'patient/*.read',        200, undef ],
    [ HEAD   => '/scoped',         'patient/*.read',        200, undef ],
    [ GET    => '/scoped',         'x system/*.read',       200, undef ],
    [ GET    => '/scoped',         'patient/*.write',       403, 'patient/*.read system/*.read' ],
    [ GET    => '/scoped',         'patient/*.reader',      403, 'patient/*.read system/*.read' ],
    [ HEAD   => '/scoped',         'x',                     403, 'patient/*.read system/*.read' ],
    [ POST   => '/scoped',         'patient/*.write',       200, undef ],
    [ POST   => '/scoped',         'patient/*.read',        403, 'patient/*.write' ],
    [ PUT    => '/scoped',         undef,                   403, 'patient/*.write' ],
    [ DELETE => '/scoped',         'patient/*.write',       403, undef ],
    [ BREW   => '/scoped',         'patient/*.write',       403, undef ],
    [ GET    => '/scoped/default', 'read',                  200, undef ],
    [ GET    => '/scoped/default', 'write',                 403, 'read' ],
    [ DELETE => '/scoped/default', 'write',                 200, undef ],
    [ DELETE => '/scoped/default', 'read',                  403, 'write' ],
    [ GET    => '/scoped/both',    'read really',           200, undef ],
    [ GET    => '/scoped/both',    'read',                  403, 'really' ],
    [ GET    => '/scoped/both',    'really',                403, 'read' ],
    [ POST   => '/scoped/both',    'really',                200, undef ],
    [ DELETE => '/scoped/off',     undef,                   200, undef ],
);
for my $row (@scopes) {
    my ($method, $path, $granted, $status, $scope) = @$row;
    my $res = $edge->request($method, $path, token => token(scope => $granted));
    is $res->{status}, $status, "$method $path with " . ($granted // 'no scope') . ": $status";
    next if $status == 200;
    my $challenge = $res->{headers}{'www-authenticate'} // '';
    like $challenge, qr/^Bearer realm="2care", error="insufficient_scope", error_description="[^"]+"/, '  a challenge';
    is +($challenge =~ /, scope="([^"]*)"/)[0], $scope, '  that says what is needed';
}
is $edge->get('/scoped')->{status}, 401, 'without a token: 401';

# --- limits, without a state ------------------------------------------------------------------------------

my $res = $edge->get('/limited', token => token(client_id => 'app'));
is $res->{headers}{'x-ratelimit-remaining'}, 3, 'windows of a client';
is $edge->get('/limited', token => token(client_id => 'app'))->{headers}{'x-ratelimit-remaining'}, 2, 'which its tokens share';
$res = $edge->get('/limited/b', token => $edge->mint(-key => 'RS256-b', iss => 'https://b.test', aud => $api, client_id => 'app'));
is $res->{headers}{'x-ratelimit-remaining'}, 3, 'a client of the same name of another issuer has its own';

# --- refused with file and line -----------------------------------------------------------------------------

my @wrong = (
    [ 'twocare_header X-User',                      'invalid number of arguments' ],
    [ 'twocare_header X-User a; twocare_header x-user b', 'is duplicate' ],
    [ 'twocare_header "X User" a',                  'is not a name of letters' ],
    [ 'twocare_header X_User a',                    'is not a name of letters' ],
    [ 'twocare_header "" a',                        'is not a name of letters' ],
    [ 'twocare_header Host a',                      'is one that nginx reads itself' ],
    [ 'twocare_header content-length 5',            'is one that nginx reads itself' ],
    [ 'twocare_header X-User $no_such_variable',    'unknown "no_such_variable" variable' ],
    [ 'twocare_scope',                              'invalid number of arguments' ],
    [ 'twocare_scope GET HEAD',                     'names methods, but no scope' ],
    [ 'twocare_scope GET a"b',                      'is not a scope' ],
    [ 'twocare_scope GET "a b"',                    'is not a scope' ],
    [ 'twocare_scope off; twocare_scope a',         'is duplicate' ],
    [ 'twocare_scope a; twocare_scope off',         'is duplicate' ],
    [ 'twocare_claim $x y',                         'is not allowed here' ],
);
for my $row (@wrong) {
    my ($lines, $why) = @$row;
    Edge::write_file($edge->path('nginx/nginx.conf'), conf("$lines;", ''));
    my $out = qx(@{[ join ' ', $edge->command('-t') ]} 2>&1);
    isnt $?, 0, "$lines: refused";
    like $out, qr/\Q$why\E/, "  because: $why";
}
for my $row ([ 'twocare_claim x y', 'invalid variable name "x"' ], [ 'twocare_claim $x', 'invalid number of arguments' ], [ 'twocare_claim $x ""', 'has an empty name' ], [ 'twocare_claim $roles y', 'duplicate "roles" variable' ]) {
    Edge::write_file($edge->path('nginx/nginx.conf'), conf('', '') =~ s/^(twocare_claim \$given)/$row->[0];\n$1/mr);
    like qx(@{[ join ' ', $edge->command('-t') ]} 2>&1), qr/\Q$row->[1]\E in \S+:\d+|\Q$row->[1]\E/, "$row->[0]: refused";
}

done_testing;

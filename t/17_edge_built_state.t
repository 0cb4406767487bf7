# State files built by hand with `twocare admin state build`, so that the module
# guards the tokens of another issuer: nothing of ours but the edge runs.

use strict;
use warnings;
use lib 't/lib';

use Edge;
use Test::More;

my $edge    = Edge->new(no_state => 1);
my $program = ($ENV{TWOCARE_BUILD} // $ENV{BUILD} // 'build') . '/twocare';
my $dir     = $edge->path('state');
my $later   = time + 3600;

sub admin {
    my (@words) = @_;
    open my $pipe, '-|', 'sh', '-c', '"$@" 2>&1', 'sh', $program, 'admin', 'state', @words or die $!;
    my $out = do { local $/ = undef; <$pipe> // '' };
    close $pipe;
    return ($?, $out);
}

sub listing {
    my ($name, @lines) = @_;
    my $file = $edge->path($name);
    Edge::write_file($file, join '', map { "$_\n" } @lines);
    return $file;
}

my $keys = $edge->path('keys.json');
Edge::write_file($keys, Edge::run(Edge::tool('tool_edge'), 'jwks', $edge->key('RS256')));
my @clients = ('--clients', listing('clients', '# who, how much', 'app_test 5000/50', 'app_pro professional pool=shared', 'app_off standard disabled'));
my @revoked = ('--revoked', listing('revoked', "token jti_gone $later", '', "client app_old $later " . (time + 1)));

my ($status, $out) = admin('build', $dir, '--jwks', $keys, @clients, @revoked);
is $status, 0, 'built from three listings' or BAIL_OUT $out;

my %token = (
    good     => $edge->mint,
    pro      => $edge->mint(client_id => 'app_pro'),
    disabled => $edge->mint(client_id => 'app_off'),
    revoked  => $edge->mint(jti       => 'jti_gone'),
    old      => $edge->mint(client_id => 'app_old'),
);
ok Edge::wait_for(2, sub { $edge->get('/v3/x', token => $token{good})->{status} == 200 }), 'the edge takes them up';
is $edge->get('/v3/x', token => $token{$_})->{status}, 401, "$_ is refused" for qw(disabled revoked old);
is $edge->get('/v3/x', token => $token{good})->{headers}{'x-ratelimit-limit'}, 5000, 'own numbers';
is $edge->get('/v3/x', token => $token{pro})->{headers}{'x-ratelimit-limit'}, 5000, 'and those of a tier';

# What the files hold can be asked.
my @asked = (
    [ [],                           qr/^clients\.map: 3 clients\b.*^revoked\.map: 2 revocations\b.*^jwks\.json: 1 keys.*^alive: /ms ],
    [ [qw(--client app_pro)],       qr/active, 5000 an hour, 500 a minute .* windows of its pool$/m ],
    [ [qw(--client app_off)],       qr/disabled, 1000 an hour/ ],
    [ [qw(--client nobody)],        qr/not listed/ ],
    [ [qw(--token jti_gone)],       qr/: revoked$/m ],
    [ [qw(--token jti_other)],      qr/: not revoked$/m ],
);
for my $row (@asked) {
    ($status, $out) = admin('--dir', $dir, @{ $row->[0] });
    is $status, 0, "state @{ $row->[0] }";
    like $out, $row->[1], 'says what is there';
}

# One map alone: the others stay.
($status, $out) = admin('build', $dir, '--revoked', listing('none'));
is $status, 0, 'one listing alone' or diag $out;
ok Edge::wait_for(2, sub { $edge->get('/v3/x', token => $token{revoked})->{status} == 200 }), 'no revocations any more';
is $edge->get('/v3/x', token => $token{disabled})->{status}, 401, 'the clients are as they were';

# Mistakes are named by line, and change nothing.
my @wrong = (
    [ '--clients', 'app_test',                       qr/:1: expected a client id, then a tier or HOUR\/MINUTE/ ],
    [ '--clients', "# x\napp_test gold",             qr/:2: expected a client id/ ],
    [ '--clients', 'app_test 5/x',                   qr/:1: expected/ ],
    [ '--clients', 'app_test standard blue',         qr/:1: expected pool=NAME or disabled/ ],
    [ '--revoked', 'jti x 5',                        qr/:1: expected token, grant, sub, client or key/ ],
    [ '--revoked', 'token x soon',                   qr/:1: expected a value and when it expires/ ],
    [ '--jwks',    '{"keys":[',                      qr/wrong: / ],
);
for my $row (@wrong) {
    my ($option, $text, $says) = @$row;
    ($status, $out) = admin('build', $dir, $option, listing('wrong', $text));
    isnt $status, 0, "$option '" . ($text =~ s/\n/, /r) . "' is refused";
    like $out, $says, 'with its line';
}
is $edge->get('/v3/x', token => $token{good})->{status}, 200, 'and what was read stays';

done_testing;

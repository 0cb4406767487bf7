# What load testers need: tokens of many clients, and locations that end at the
# edge or at a worker without database.

use strict;
use warnings;
use lib 't/lib';

use JSON::PP;
use MIME::Base64 ();
use Stack;
use Test::More;
use Time::HiRes qw(sleep time);

my $stack = Stack->new;
my ($home) = $stack->env('CA_FILE') =~ m{^(.*)/tls/};
my ($conf)    = $stack->env('ADMIN') =~ /TWOCARE_CONF=(\S+)/;
my ($program) = $stack->env('ADMIN') =~ /(\S+) admin$/;

sub claims {
    my ($token) = @_;
    my $part = (split /\./, $token)[1];
    return decode_json(MIME::Base64::decode_base64($part =~ tr{-_}{+/}r));
}

sub sql {
    my ($text) = @_;
    open my $psql, '-|', 'psql', '-XqAtc', $text, $stack->env('PG_URL') or die "psql: $!\n";
    my $out = do { local $/ = undef; <$psql> };
    close $psql or die "psql: $text\n";
    chomp $out;
    return $out;
}

# --- tokens

my @tokens = split /\n/, $stack->admin(qw(token --count 12 --clients 4 --ttl 600));
is scalar @tokens, 12, 'a token on each line';
my %clients = map { claims($_)->{client_id} => 1 } @tokens;
is scalar keys %clients, 4, 'of as many clients as asked';
my %jti = map { claims($_)->{jti} => 1 } @tokens;
is scalar keys %jti, 12, 'each another';
my $claims = claims($tokens[0]);
is $claims->{exp} - $claims->{iat}, 600, 'with the life that was asked for';
unlike $claims->{scope}, qr/admin/, 'without the scopes of administrators';
is $stack->get('/Patient/none', token => $_)->{status}, 404, 'a good token' for @tokens[ 0, 11 ];

my $json = decode_json(scalar $stack->admin(qw(token --count 3 --scopes patient:read --output json)));
is scalar @$json, 3, 'as JSON';
is claims($json->[0]{access_token})->{scope}, 'patient:read', 'with the scopes asked for';
is $json->[0]{expires_in}, 3600, 'for an hour when nothing is said';
ok $clients{ $json->[$_]{client_id} }, 'of clients that were there already' for 0 .. 2;

like sql(q(select id from audit where op = 'T' order by seq limit 1)), qr/^12 tokens of 4 clients, 600 s$/, 'the audit says so';

sub refused {
    my ($what, $args, $wanted, %env) = @_;
    local @ENV{ keys %env } = values %env;
    my $out = qx(TWOCARE_CONF=$env{CONF} $program admin token $args 2>&1);
    isnt $?, 0, "$what is refused";
    like $out, $wanted, '  and it is said why';
    return;
}
refused('no token',         '--count 0',             qr/--count is a number from 1/,  CONF => $conf);
refused('a long life',      '--ttl 90000',           qr/--ttl is a number from 1 to/, CONF => $conf);
refused('an unknown scope', '--scopes nothing:read', qr/may not have one of these/,   CONF => $conf);
my $production = "$home/production.conf";
{
    open my $in,  '<', $conf       or die "$conf: $!\n";
    open my $out, '>', $production or die "$production: $!\n";
    print {$out} map { s/^(environment\s+=?\s*)sandbox/$1production/r } <$in>;
    close $out or die $!;
    chmod 0644, $production;
}
refused('production', '', qr/--in-production/, CONF => $production);

# --- locations

my $nginx = "$home/nginx/nginx.conf";
open my $fh, '<', $nginx or die "$nginx: $!\n";
my $before = do { local $/ = undef; <$fh> };

sub use_conf {
    my ($text) = @_;
    open my $out, '>', $nginx or die "$nginx: $!\n";
    print {$out} $text;
    close $out or die $!;
    my ($master) = $stack->pids('nginx');
    kill 'HUP', $master or die "nginx: $!\n";
    return;
}
END { use_conf($before) if $before; unlink $production if $production }

is $stack->get($stack->env('AUTH_URL') . '/bench/edge')->{status}, 404, 'nothing of it unless it is included';
my ($dir) = $before =~ m{include (\S+)/twocare_server.conf;};
system('cp', 'conf/bench.conf', "$dir/bench.conf") == 0 or die "cp failed\n";
use_conf($before =~ s{(include \S+/twocare_server.conf;)}{$1 include $dir/bench.conf;}gr);

my ($res, $until) = (undef, time + 10);
do {
    sleep 0.1;
    $res = $stack->get($stack->env('AUTH_URL') . '/bench/edge', token => $tokens[0]);
} while ($res->{status} == 404 && time < $until);
is $res->{status}, 200, 'the edge answers';
is $res->{headers}{'content-type'}, 'image/gif', 'by itself';
ok defined $res->{headers}{'x-ratelimit-limit'}, 'having counted the request';
is $stack->get($stack->env('AUTH_URL') . '/bench/edge', token => '')->{status}, 401, 'and looked at the token';

$res = $stack->get($stack->env('AUTH_URL') . '/bench/backend', token => $tokens[0]);
is $res->{status}, 200, 'a worker answers';
is $res->{json}{issuer}, $stack->env('AUTH_URL'), 'with what it knows without the database';
ok defined $res->{headers}{'x-ratelimit-limit'}, 'having been counted';
is $stack->get($stack->env('AUTH_URL') . '/bench/backend', token => '')->{status}, 401, 'behind the edge';

done_testing;

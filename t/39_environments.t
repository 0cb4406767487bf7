# Two instances at once, a sandbox and a production: a token of one is refused
# by the other, and production begins with no client and no record.

use strict;
use warnings;
use lib 't/lib';

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Stack;
use Test::More;

sub free_ports {
    for (1 .. 50) {
        my $port = 20_000 + int rand 10_000;
        my @open = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $_, Listen => 1) } $port, $port + 1;
        return $port if $open[0] && $open[1];
    }
    die "no free ports\n";
}

my $dir = tempdir('twocare-production-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;
my @with = ("RUN_DIR=$dir/run", 'ENV=production', 'PORT=' . free_ports(), qw(FAST_WORKERS=1 SLOW_WORKERS=1));
my $owner = $$;

# What an nginx that was killed left of somebody's request.
make_path("$dir/run/nginx/body/1");
open my $left, '>', "$dir/run/nginx/body/1/0000000001" or die $!;
close $left;

sub instance { return system('sh', '-c', 'exec env "$@" >/dev/null', 'sh', @with, 'tools/instance.sh', $_[0]) }

END { local $?; instance('stop') if defined $owner && $$ == $owner }

my $out = qx(env @with tools/instance.sh start 2>&1);
is $?, 0, 'a production instance starts beside the sandbox' or BAIL_OUT $out;
is_deeply [ glob "$dir/run/nginx/body/*" ], [], 'bodies that a killed nginx left are gone';
is sprintf('%04o', 07777 & (stat "$dir/run/nginx/$_")[2]), '0700', "$_ is for nginx alone" for qw(body fastcgi);
is instance('start'), 0, 'starting it again changes nothing';

my $sandbox = Stack->new;
my $live    = do { local $ENV{STACK_ENV} = "$dir/run/env"; Stack->new };
ok !exists $live->{env}{$_}, "production has no $_" for qw(CLIENT_ID CLIENT_SECRET STD_CLIENT_ID STD_CLIENT_SECRET);
like $live->admin(qw(client list --output json)), qr/^\s*\[\s*\]\s*$/, 'and no client at all';

$live->tenant('clinic');
my $client = $live->client(tenant => 'clinic', name => 'portal');
like $client->{CLIENT_ID}, qr/^cli_live_/, 'a client of production';
my $token = $live->new_token($client);
my $res   = $live->get('/Patient', token => $token);
is $res->{status}, 200, 'its token is good there';
is $res->{json}{total} // scalar @{ $res->{json}{entry} // [] }, 0, 'where there is no record';

is $sandbox->get('/Patient', token => $token)->{status}, 401, 'the sandbox refuses it';
is $live->get('/Patient', token => $sandbox->token)->{status}, 401, 'and production that of the sandbox';
is $sandbox->get('/Patient')->{status}, 200, 'which is good at home';
is $live->{http}->post_form($live->env('AUTH_URL') . '/oauth/token', { grant_type => 'client_credentials' },
    { headers => { authorization => Stack::basic({ map { ($_ => $sandbox->env($_)) } qw(CLIENT_ID CLIENT_SECRET) }) } })->{status},
  401, 'nor does a client of the sandbox get a token in production';

$res = $live->get('/Patient', token => '');
is $res->{headers}{'x-ratelimit-limit'}, 600, 'an address has 600 requests an hour';

is instance('stop'), 0, 'it stops';
is instance('stop'), 0, 'and stopping it again changes nothing';

done_testing;

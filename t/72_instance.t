# tools/instance.sh refuses what cannot run, in one sentence that says what to
# do, and makes nothing for it.

use strict;
use warnings;
use lib 't/lib';

use File::Temp qw(tempdir);
use Stack;
use Test::More;

my $stack = Stack->new;
my ($mine) = $stack->env('CA_FILE') =~ m{^(.*)/tls/};
my ($port) = $stack->env('AUTH_URL') =~ /:(\d+)$/;
my $dir    = tempdir(CLEANUP => 1) . '/run';

# The exit code and the lines of a command with these settings.
sub instance {
    my ($command, %env) = @_;
    local @ENV{ 'RUN_DIR', 'PORT', keys %env } = ($dir, 1, values %env);
    my @lines = qx(tools/instance.sh $command 2>&1);
    return ($? >> 8, @lines);
}

my @refused = (
    [ 'start', qr/^2care: ENV is sandbox or production, not 'wrong'$/,     ENV => 'wrong' ],
    [ 'start', qr/^2care: PORT is a number from 1 to 65534, not 'abc'$/,   PORT => 'abc' ],
    [ 'start', qr/^2care: PORT is a number from 1 to 65534, not '65535'$/, PORT => 65535 ],
    [ 'start', qr/^2care: HTTP_PORT is a number .* not '-1'$/,             HTTP_PORT => -1 ],
    [ 'start', qr/^2care: no instance can live in '.*a b': use letters/,   RUN_DIR => "$dir/a b" ],
    [ 'start', qr/^2care: port $port is taken: choose another/,            PORT => $port ],
    [ 'start', qr/holds a sandbox instance: choose another folder/,        ENV => 'production', RUN_DIR => $mine ],
    [ 'run',   qr/^2care: an instance runs in .* already: make stop/,      RUN_DIR => $mine ],
    [ 'status', qr/^2care: no instance runs in \Q$dir\E$/ ],
);
for my $row (@refused) {
    my ($command, $says, %env) = @$row;
    my $what = join ' ', $command, map { "$_=$env{$_}" } sort keys %env;
    my ($code, @lines) = instance($command, %env);
    is $code, 1, "$what is refused";
    is @lines, 1, 'in one line' or diag @lines;
    like $lines[0], $says, 'that says why';
}
ok !-e $dir, 'nothing was made';

my ($code, @lines) = instance('stop');
is $code, 0, 'stopping what does not run is fine';
is "@lines", '', 'and nothing to speak of';
($code, @lines) = instance('status', RUN_DIR => $mine);
is $code, 0, 'a running instance has a status';
is scalar(grep { /^run: .*: \(pid/ } @lines), 4, 'of four parts' or diag @lines;

done_testing;

# The program's words: 0 when it is done, 1 when it did not work, 2 when it was
# asked wrongly, with one line that says why.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my ($conf)    = $stack->env('ADMIN') =~ /TWOCARE_CONF=(\S+)/;
my ($program) = $stack->env('ADMIN') =~ /(\S+) admin$/;

my @asked = (
    # words                                         code says
    [ '',                                           0, qr/^usage: twocare COMMAND/ ],
    [ 'help',                                       0, qr/^  serve .*^  jobs .*^  migrate .*^  check .*^  reindex .*^  admin /ms ],
    [ 'version',                                    0, qr/^twocare \d+\.\d+\.\d+$/ ],
    [ '--version',                                  0, qr/^twocare \d+\.\d+\.\d+$/ ],
    [ 'nonsense',                                   2, qr/unknown command "twocare nonsense"/ ],
    [ 'migrate --foo',                              2, qr/unknown option --foo/ ],
    [ 'migrate --conf',                             2, qr/--conf needs a file/ ],
    [ 'migrate --conf /nonexistent/x',              1, qr{/nonexistent/x: No such file} ],
    [ 'serve --check',                              0, qr/^$/ ],
    [ 'check',                                      2, qr/check what\? --keys/ ],
    [ 'check --keys',                               0, qr/^\d+ records, 0 differences$/m ],
    [ 'admin',                                      0, qr/^usage: twocare admin COMMAND/ ],
    [ 'admin client rotate --help',                 0, qr/^usage: twocare admin client rotate ID/ ],
    [ 'admin client nonsense',                      2, qr/unknown command/ ],
    [ 'admin tenant create',                        2, qr/something is missing/ ],
    [ 'admin tenant create a b',                    2, qr/"b" is too much/ ],
    [ 'admin tenant create a/b',                    1, qr/a tenant's name is 1 to 64/ ],
    [ 'admin tenant create sandbox',                1, qr/there is a tenant "sandbox" already/ ],
    [ 'admin client create --tenant sandbox',       2, qr/--tenant and --name must be given/ ],
    [ 'admin client create --tenant no --name x',   1, qr/there is no tenant "no"/ ],
    [ 'admin client create --tenant',               2, qr/--tenant needs a value/ ],
    [ 'admin client list --output xml',             2, qr/--output/ ],
    [ 'admin client disable nobody',                1, qr/there is no client "nobody"/ ],
    [ 'admin client change nobody',                 2, qr/name what shall change/ ],
    [ 'admin client change nobody --tier standard', 1, qr/there is no client "nobody"/ ],
    [ 'admin client rotate nobody --overlap 31',    2, qr/--overlap is 0 to 30 days/ ],
    [ 'admin key rotate --alg HS256',               2, qr/--alg is RS256/ ],
    [ 'admin revoke',                               2, qr/name one of --token/ ],
    [ 'admin revoke --token a --sub b',             2, qr/name one of --token/ ],
    [ 'admin revoke --client nobody',               1, qr/there is no client "nobody"/ ],
    [ 'admin state --dir /nonexistent',             1, qr{/nonexistent/clients.map: } ],
);
for my $row (@asked) {
    my ($words, $code, $says) = @$row;
    my $out = qx(TWOCARE_CONF=$conf timeout 60 $program $words 2>&1);
    is $? >> 8, $code, "twocare $words: $code" or diag $out;
    like $out, $says, '  and says why';
    is scalar(() = $out =~ /\n/g), 1, '  in one line' if $code == 2;
}

done_testing;

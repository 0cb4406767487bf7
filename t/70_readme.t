# The README's session works when pasted.

use strict;
use warnings;
use lib 't/lib';

use File::Temp;
use Stack;
use Test::More;

my $stack = Stack->new;
open my $fh, '<', 'README.md' or die $!;
my $readme = do { local $/ = undef; <$fh> };
my ($session) = $readme =~ /^## A session\n.*?```sh\n(.*?)```/ms;
ok $session, 'the README has a session';
$session =~ s{^\. run/env$}{. "\$STACK_ENV"}m or fail 'it begins with the settings';

my $script = File::Temp->new(SUFFIX => '.sh');
print {$script} "set -eu\n", $session =~ s/^fhir (?!\()(.*?)(\s+#.*)?$/fhir $1; echo/gmr;
close $script;
my $out = `bash $script 2>&1`;
is $?, 0, 'runs' or diag $out;
like $out, qr/"id":"test\.123456789"/, 'reads John Doe';
like $out, qr/"type":\s*"searchset"/, 'searches';
like $out, qr{^HTTP/\S+ 201}m, 'creates';
unlike $out, qr/OperationOutcome/, 'without a refusal' or diag $out;

my ($admin) = $readme =~ /(\$ADMIN tenant create.*?)```/s;
like $admin, qr/client create/, 'the administration is shown';

# Each of its lines, with names of our own, of a client of our own.
my $tenant = 'north-clinic-' . time;
my $client = $stack->client(tenant => 'sandbox', name => 'readme')->{CLIENT_ID};
for my $line ($admin =~ /^(\$ADMIN .*)$/mg) {
    my $command = $line =~ s/north-clinic/$tenant/r =~ s/cli_sbx_…/$client/r;
    $script = File::Temp->new(SUFFIX => '.sh');
    print {$script} qq(. "\$STACK_ENV"\n$command\n);
    close $script;
    $out = `bash $script 2>&1`;
    is $?, 0, $line or diag $out;
}

# What run/env holds is a contract, and the README names all of it.
my @names = sort map { /^([A-Z_]+)=/ ? $1 : () } do { open my $env, '<', $ENV{STACK_ENV} or die $!; <$env> };
is "@names", 'ADMIN AUTH_URL BASE_URL CA_FILE CLIENT_ID CLIENT_SECRET FHIR_URL HTTP_URL METRICS_URL PG_URL STATE_DIR'
  . ' STD_CLIENT_ID STD_CLIENT_SECRET', 'the settings of an instance';
like $readme, qr/`$_`/, "the README names $_" for @names;
is `. "\$STACK_ENV" && psql -XAtc 'select 1' "\$PG_URL"`, "1\n", 'PG_URL is for psql';

# The files and folders that the manuals name are there.
for my $manual ('README.md', 'CONTRIBUTING.md') {
    open my $text, '<', $manual or die $!;
    my %named = map { ($_ => 1) } map { m{`((?:ngx_module|backend|conf|sql|tests|tools|t|bench)/[\w./]*)`}g } <$text>;
    delete @named{ grep { /NNNN|NOUN/ } keys %named };
    my @gone = grep { !-e } sort keys %named;
    is "@gone", '', "$manual: what it names exists";
}

done_testing;

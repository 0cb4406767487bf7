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
like $stack->admin(qw(tenant create), 'readme-' . time), qr/\S/, 'a tenant is created as shown';

done_testing;

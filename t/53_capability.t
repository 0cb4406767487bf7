# What the CapabilityStatement claims of the server as a whole and of each type,
# and the server's behaviour; t/38 does so for parameters and modifiers. And how
# an answer is written: _format, _pretty.

use strict;
use warnings;
use lib 't/lib';

use Stack;
use Test::More;

my $stack = Stack->new;
my $fhir  = $stack->env('FHIR_URL');
my $token = $stack->token($stack->client(
    tenant => 'sandbox', name => 'capability', scopes => 'system:read system:write system:admin patient:delete',
    tier   => 'enterprise', hour => 1000000, minute => 1000000,
));
$stack->settle;

sub ask { my ($method, $where, %o) = @_; return $stack->request($method, $where, token => $token, %o) }

my $res = $stack->get('/metadata', token => '');
is $res->{status}, 200, 'metadata needs no token';
my $said = $res->{json};
is $stack->get('/metadata', token => '', headers => { 'if-none-match' => $res->{headers}{etag} })->{status}, 304, 'and has an ETag';
is $stack->get('/metadata?mode=full')->{json}{resourceType}, 'CapabilityStatement', 'mode=full';
is $stack->get("/metadata?mode=$_")->{status}, 400, "mode=$_ is refused" for qw(terminology x);

# Valid by our own rules.
is ask(POST => '/CapabilityStatement', body => $said)->{status}, 201, 'it is a valid CapabilityStatement' or diag ask(POST => '/CapabilityStatement', body => $said)->{content};

is $said->{fhirVersion}, '4.0.1', 'of R4';
is $said->{implementation}{url}, $fhir, 'at this address';
is ask(GET => '/metadata', headers => { accept => $_ })->{status}, 200, "format $_" for grep { m{/} } @{ $said->{format} };
is ask(GET => '/metadata?_format=xml')->{status}, 406, 'and no other';
my ($rest) = @{ $said->{rest} };
my ($uris) = grep { $_->{url} =~ /oauth-uris/ } @{ $rest->{security}{extension} };
my %uri = map { ($_->{url} => $_->{valueUri}) } @{ $uris->{extension} };
is $stack->{http}->post_form($uri{token}, { grant_type => 'none' })->{status}, 400, 'the token endpoint is there';
is join(' ', sort keys %uri), 'token', 'it names no endpoint that is not there';

for my $type (qw(transaction batch)) {
    my $claimed = grep { $_->{code} eq $type } @{ $rest->{interaction} };
    my $bundle = { resourceType => 'Bundle', type => $type, entry => [] };
    is ask(POST => '', body => $bundle)->{json}{type}, $claimed ? "$type-response" : undef, "$type: as claimed";
}
is scalar @{ $rest->{interaction} }, 4, 'and no other interaction of the whole system';
is ask(GET => '/_history')->{status}, 200, 'history-system: as claimed';
is ask(GET => '?_type=Patient')->{json}{type}, 'searchset', 'search-system, too';
is ask(GET => $_)->{status}, 404, "$_ is not there" for '/$everything';

# Each interaction of each type, claimed or not: is it there? What is missing or
# not valid shows that it is.
my %there = (
    'read'             => sub { ask(GET => "/$_[0]/none")->{status} == 404 },
    'vread'            => sub { ask(GET => "/$_[0]/none/_history/1")->{status} == 404 },
    'history-instance' => sub { ask(GET => "/$_[0]/none/_history")->{status} == 404 },
    'search-type'      => sub { ask(GET => "/$_[0]?_id=none")->{status} == 200 },
    'create'           => sub { ask(POST => "/$_[0]", body => { resourceType => $_[0], nonsense => 1 })->{status} == 422 },
    'update'           => sub { ask(PUT => "/$_[0]/none", body => { resourceType => $_[0], id => 'none', nonsense => 1 })->{status} == 422 },
    'delete'           => sub { ask(DELETE => "/$_[0]/none")->{status} == 204 },
    'patch'            => sub { ask(PATCH => "/$_[0]/none", body => { resourceType => 'Parameters' })->{status} == 404 },
    'history-type'     => sub { ask(GET => "/$_[0]/_history")->{status} != 404 },
);
my @wrong;
for my $resource (@{ $rest->{resource} }) {
    my $type = $resource->{type};
    my %claimed = map { ($_->{code} => 1) } @{ $resource->{interaction} };
    for my $interaction (sort keys %there) {
        push @wrong, "$type $interaction" if !!$claimed{$interaction} != !!$there{$interaction}->($type);
    }
    push @wrong, "$type conditional" if !!$resource->{conditionalCreate} != !!$claimed{create} || !!$resource->{conditionalUpdate} != !!$claimed{update} || $resource->{conditionalDelete} ne ($claimed{delete} ? 'single' : 'not-supported');
    push @wrong, "$type updateCreate" if !!$resource->{updateCreate} != !!$claimed{update};
}
is scalar @{ $rest->{resource} }, 146, 'all types of R4';
is join(', ', @wrong), '', 'have the interactions that are claimed, and no other';
my $by = "identifier=conditional-$$";
my $body = { resourceType => 'Patient', identifier => [ { value => "conditional-$$" } ] };
is ask(POST => '/Patient', body => $body, headers => { 'if-none-exist' => $by })->{status}, 201, 'conditional create';
is ask(PUT => "/Patient?$by", body => $body)->{status}, 200, 'conditional update';
ask(POST => '/Patient', body => $body);
is ask(DELETE => "/Patient?$by")->{status}, 412, 'conditional delete, of one';

# --- how an answer is written -------------------------------------------------

my $name = "Pretty$$";
ask(POST => '/Patient', body => { resourceType => 'Patient', name => [ { family => $name } ] }) for 1 .. 3;
$res = ask(GET => "/Patient?family=$name&_count=1&_format=application/fhir%2Bjson&_pretty=true");
like $res->{content}, qr/\A\{\n  "resourceType": "Bundle",\n/, '_pretty=true is indented';
my %link = map { ($_->{relation} => $_->{url}) } @{ $res->{json}{link} };
like $link{$_}, qr/&_format=application%2Ffhir%2Bjson&_pretty=true$/, "the $_ link keeps _format and _pretty" for qw(self next);
is ask(GET => $link{next})->{status}, 200, 'and is followed';
unlike ask(GET => "/Patient?family=$name&_pretty=false")->{content}, qr/\n/, '_pretty=false is not';
my $id = $res->{json}{entry}[0]{resource}{id};
like ask(GET => "/Patient/$id?_pretty=true")->{content}, qr/^  "name": \[$/m, 'a record';
like ask(GET => "/Patient/$id.x?_pretty=true")->{content}, qr/^  "issue": \[$/m, 'an error, too';
$res = ask(GET => "/Patient/$id/_history?_format=json");
like $res->{json}{link}[0]{url}, qr{/_history\?_format=json$}, 'a history keeps it, too';

done_testing;

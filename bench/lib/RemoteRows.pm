package RemoteRows;

# The absolute rows of an install that is not ours; its tenant keeps the
# records.

use strict;
use warnings;

use Fill;
use Load;
use Rows;
use Stack;

sub path_of { my ($url) = @_; return $url =~ s{^https?://[^/]+}{}r }

sub run {
    my ($base) = @_;
    my ($origin) = $base =~ m{^(https?://[^/]+)};
    my %env = (FHIR_URL => "$base/fhir", AUTH_URL => $origin, CA_FILE => $ENV{CA_FILE} // '/etc/ssl/certs/ca-certificates.crt',
        map { $_ => $ENV{$_} // die "$_ is not set\n" } qw(CLIENT_ID CLIENT_SECRET));
    local $ENV{STACK_ENV} = write_lines('target.env', map { "$_=$env{$_}" } sort keys %env);
    chmod 0600, $ENV{STACK_ENV};
    my $stack  = Stack->new;
    my $token  = $stack->token;
    my $fhir   = path_of($env{FHIR_URL});
    my %common = (url => $origin, tokens => write_lines('tokens', $token));
    fill($stack, $token);
    my $r = interleave($ROUNDS,
        get    => sub { Load::http(%common, paths => observation_paths($fhir)) },
        search => sub { Load::http(%common, paths => search_paths($fhir), connections => 16) },
        create => sub { Load::http(%common, paths => write_lines('path-create', "$fhir/Observation"),
            method => 'POST', bodies => create_bodies()) },
    );
    compare($r, 'GET by id',         'get');
    compare($r, 'search page of 50', 'search');
    compare($r, 'create',            'create');
    return;
}

1;

package Stack;

# A running instance as tests see it: its settings, tokens, requests.
#
#   my $stack = Stack->new;                    # needs tests/with_stack.sh
#   my $token = $stack->token;                 # of the demo client
#   my $res = $stack->get('/Patient/1');       # below the FHIR base
#   is $res->{status}, 200;  $res->{json}{id}; $res->{headers}{etag};

use strict;
use warnings;

use Carp qw(croak);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Pace qw(within);

my $FHIR = 'application/fhir+json';

sub new {
    my ($class) = @_;
    my $file = $ENV{STACK_ENV}
      or die "STACK_ENV is not set: run tests/with_stack.sh prove t/...\n";
    my $self = bless { env => read_env($file), json => JSON::PP->new->utf8->allow_nonref }, $class;
    $self->{http} = HTTP::Tiny->new(
        verify_SSL  => 1,
        SSL_options => { SSL_ca_file => $self->{env}{CA_FILE} },
        timeout     => 30,
        keep_alive  => 1,
    );
    return $self;
}

sub read_env {
    my ($file) = @_;
    my %env;
    open my $fh, '<', $file or die "$file: $!\n";
    while (<$fh>) {
        my ($name, $value) = /^([A-Z_]+)=(.*)$/ or next;
        $env{$name} = $value =~ s/^'(.*)'$/$1/r;
    }
    return \%env;
}

sub env { return $_[0]{env}{ $_[1] } // croak "no $_[1] in the settings" }

# What `$ADMIN ...` prints; dies when it fails.
sub admin {
    my ($self, @args) = @_;
    my @command = (split(' ', $self->env('ADMIN')), @args);
    open my $pipe, '-|', @command or die "@command: $!\n";
    my $out = do { local $/ = undef; <$pipe> };
    close $pipe or die "@command failed ($?)\n";
    return $out;
}

# A new client: { CLIENT_ID, CLIENT_SECRET }. Options are those of
# `admin client create`.
sub client {
    my ($self, %options) = @_;
    my @args = map { ("--$_", $options{$_}) } sort keys %options;
    my %client = $self->admin(qw(client create --output env), @args) =~ /^([A-Z_]+)='?([^'\n]*)'?$/mg;
    return \%client;
}

# Wait until the edge knows the limits of all clients that are there, which it
# does within a second. It is asked on the connection that is used further on,
# so this worker of nginx knows.
sub settle {
    my ($self) = @_;
    my $last = $self->client(tenant => 'sandbox', name => 'last', tier => 'enterprise', hour => 424_242, minute => 424_242);
    my $token = $self->new_token($last);
    return within(5, sub {
        return ($self->get('/Patient/none', token => $token)->{headers}{'x-ratelimit-limit'} // '') eq 424_242;
    }) || croak 'the edge does not learn what limits clients have';
}

sub tenant {
    my ($self, $name) = @_;
    $self->admin(qw(tenant create), $name);
    return $name;
}

# A token of a client (default: the demo client), kept for the process.
sub token {
    my ($self, $client, $scope) = @_;
    my $key = join ' ', $client ? $client->{CLIENT_ID} : '', $scope // '';
    return $self->{tokens}{$key} //= $self->new_token($client, $scope);
}

sub new_token {
    my ($self, $client, $scope) = @_;
    $client //= { map { ($_ => $self->env($_)) } qw(CLIENT_ID CLIENT_SECRET) };
    my $res = $self->{http}->post_form(
        $self->env('AUTH_URL') . '/oauth/token',
        { grant_type => 'client_credentials', defined $scope ? (scope => $scope) : () },
        { headers    => { authorization => basic($client) } }
    );
    die "no token: $res->{status} $res->{content}\n" if $res->{status} != 200;
    return decode_json($res->{content})->{access_token};
}

sub basic {
    my ($client) = @_;
    return 'Basic ' . encode_base64("$client->{CLIENT_ID}:$client->{CLIENT_SECRET}", '');
}

# One request. $where is a URL, or a path below the FHIR base. Options:
# token (default: the demo client's; '' for none), headers, body (a string, or
# data that becomes JSON), type. The answer is HTTP::Tiny's, with {json}.
sub request {
    my ($self, $method, $where, %o) = @_;
    my $url = $where =~ m{^https?://} ? $where : $self->env('FHIR_URL') . $where;
    my %headers = %{ $o{headers} // {} };
    my $token = $o{token} // $self->token;
    $headers{authorization} //= "Bearer $token" if $token ne '';
    my %request = (headers => \%headers);
    if (defined $o{body}) {
        $request{content} = ref $o{body} ? $self->{json}->encode($o{body}) : $o{body};
        $headers{'content-type'} //= $o{type} // $FHIR;
    }
    my $res = $self->{http}->request($method, $url, \%request);
    $res->{json} = eval { $self->{json}->decode($res->{content}) }
      if ($res->{headers}{'content-type'} // '') =~ /json/;
    return $res;
}

sub get    { my $self = shift; return $self->request('GET',    @_) }
sub post   { my $self = shift; return $self->request('POST',   @_) }
sub put    { my $self = shift; return $self->request('PUT',    @_) }
sub delete { my $self = shift; return $self->request('DELETE', @_) }

# The process ids of a service of this instance and of its children.
sub pids {
    my ($self, $service) = @_;
    my ($dir) = $self->env('CA_FILE') =~ m{^(.*)/tls/};
    open my $fh, '<', "$dir/service/$service/supervise/pid" or return;
    my $pid = <$fh> // return;
    chomp $pid;
    return ($pid, split ' ', `pgrep -P $pid`);
}

1;

package Peer;

# A second nginx: the product's own configuration in front of an echo instead
# of the backend, and beside it locations with and without our directives.

use strict;
use warnings;

use parent 'Edge';


# Ports: {port} the product's configuration, {bare_port} the rest.
sub new {
    my ($class, %options) = @_;
    return $class->SUPER::new(%options, bare_port => Edge::free_port());
}

sub url  { my ($self) = @_; return "http://127.0.0.1:$self->{port}" }
sub bare { my ($self) = @_; return "http://127.0.0.1:$self->{bare_port}" }

# The product's files, with a zone of another size if asked for.
sub template {
    my ($self, $name) = @_;
    my $text = $self->SUPER::template($name);
    $text =~ s/^(twocare_zone\s+twocare):\w+/$1:$self->{zone}/m if $self->{zone};
    return $text;
}

sub conf {
    my ($self) = @_;
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = $self->temp_paths;
    my $log = "access_log $self->{dir}/log/access.log twocare buffer=64k flush=1s;";
    my $tuning = 'keepalive_requests 100000000;';
    return <<"END";
load_module @{[ Edge::module() ]};
$user
worker_processes auto;
worker_rlimit_nofile 8192;
pid $self->{dir}/nginx.pid;
error_log $self->{dir}/log/error.log warn;
events { worker_connections 4096; }
http {
    access_log off;
    default_type text/plain;
    server_tokens off;
    tcp_nopush on;
    $tuning
$temp
    include $self->{dir}/nginx/twocare_http.conf;
    limit_req_zone \$http_authorization zone=hour:10m rate=1000000r/s;
    limit_req_zone \$http_authorization zone=minute:10m rate=1000000r/s;
    server {
        listen 127.0.0.1:$self->{port} backlog=1024;
        server_name edge.test;
        $log
        include $self->{dir}/nginx/twocare_server.conf;
    }
    server {
        listen 127.0.0.1:$self->{bare_port} backlog=1024;
        location = /bare { empty_gif; }
        location = /limit_req { limit_req zone=hour burst=1000000 nodelay; limit_req zone=minute burst=1000000 nodelay; empty_gif; }
        location = /edge { twocare_auth on; twocare_limit on; empty_gif; }
        include $self->{dir}/nginx/edge_params;
        fastcgi_keep_conn on;
        location = /echo { fastcgi_pass twocare_fast; }
        location = /edge/echo { twocare_auth on; twocare_limit on; fastcgi_pass twocare_fast; }
    }
}
END
}

# What stands at bare_port, to be asked like a Gateway.
sub plain { my ($self) = @_; return bless { peer => $self }, 'Peer::Plain' }

sub servers {
    my ($self) = @_;
    return { nginx => [ $self->{master} ], echo => [ $self->{echo} ] };
}

# A file with $n tokens, one a line, of clients $name-1 .. $name-$clients.
sub tokens {
    my ($self, $name, $n, $clients) = @_;
    my ($claims, $tokens) = map { $self->path("$name.$_") } qw(claims tokens);
    Edge::write_file($claims, join '', map {
        $self->claims(client_id => "$name-" . ($_ % $clients + 1), exp => time + 7200) . "\n"
    } 0 .. $n - 1);
    my $out = Edge::run('sh', '-c', '"$1" mint-batch "$2" <"$3"', 'sh', Edge::tool('tool_edge'),
        $self->key('RS256'), $claims);
    Edge::write_file($tokens, $out);
    return $tokens;
}

package Peer::Plain;

sub url     { return $_[0]{peer}->bare }
sub servers { return { nginx => [ $_[0]{peer}{master} ] } }

1;

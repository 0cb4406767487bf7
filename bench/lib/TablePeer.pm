package TablePeer;

# The product's nginx in front of the smallest server of one page from a table
# (bench/page.c), with as many processes as there are fast workers.

use strict;
use warnings;

use parent 'Peer';

use Rows;

# Options: type, sql (its parameters $1, $2, ...), instance, workers.
sub start_echo {
    my ($self) = @_;
    my $statement = $self->path('statement.sql');
    Edge::write_file($statement, $self->{sql});
    my @sockets = map { $self->path("page-$_.sock") } 1 .. $self->{workers};
    $self->{table} = $self->spawn($self->path('log/page'), "$BUILD/bench/page", $self->{type}, $statement,
        'host=' . $self->{instance}->host . ' dbname=twocare user=twocare', @sockets);
    Edge::wait_for(5, sub { @sockets == grep { -S } @sockets }) or die "bench/page did not start\n";
    $self->{sockets} = \@sockets;
    return;
}

sub servers {
    my ($self) = @_;
    return { nginx => [ $self->{master} ], page => [ $self->{table} ], %{ $self->{instance}->servers('postgres') } };
}

1;

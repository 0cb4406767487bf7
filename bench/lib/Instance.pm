package Instance;

# An instance of the product of our own: its folder, services, database, and a
# client that no limit stops. Stops with the object.

use strict;
use warnings;

use Stack;
use Time::HiRes qw(sleep time);

sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, owner => $$ }, $class;
    local $ENV{ENV} = 'sandbox';
    $self->command('stop');
    system 'rm', '-rf', '--', $self->{dir};
    $self->command('start');
    $self->{socket} = (Stack::read_env("$self->{dir}/env")->{PG_URL} =~ /host=(\S+)/)[0];
    local $ENV{STACK_ENV} = "$self->{dir}/env";
    $self->{stack} = Stack->new;
    return $self;
}

sub command {
    my ($self, $verb) = @_;
    local @ENV{qw(RUN_DIR PORT ENV)} = ($self->{dir}, $self->{port}, 'sandbox');
    my $out = "$self->{build}/bench/instance.log";
    system("tools/instance.sh $verb >'$out' 2>&1") == 0
      or die "the instance did not $verb; see $out\n";
    return;
}

sub stack { return $_[0]{stack} }

sub setting {
    my ($name) = @_;
    open my $fh, '<', 'config.mk' or die "config.mk: $!\n";
    while (my $line = <$fh>) { return $1 if $line =~ /^\Q$name\E := (.*)$/ }
    die "config.mk has no $name\n";
}

sub program { my ($self, $name) = @_; return setting('PG_BIN') . "/$name" }
sub host    { return $_[0]{socket} }

sub psql {
    my ($self, $database) = @_;
    return ($self->program('psql'), '-X', '-q', '-tA', '-h', $self->{socket}, '-U', 'postgres',
        '-d', $database // 'twocare', '-v', 'ON_ERROR_STOP=1');
}

# Statements as the superuser of the cluster; what they print.
sub sql {
    my ($self, @statements) = @_;
    local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
    open my $pipe, '-|', $self->psql, map { ('-c', $_) } @statements or die "psql: $!\n";
    my $out = do { local $/ = undef; <$pipe> } // '';
    close $pipe or die "psql failed ($?): @statements\n";
    return $out;
}

sub wait_until {
    my ($self, $condition) = @_;
    for (1 .. 600) {
        return if $self->sql("select $condition") =~ /^t/;
        sleep 0.1;
    }
    die "did not come true: $condition\n";
}

sub master {
    my ($self, $service) = @_;
    open my $fh, '<', "$self->{dir}/service/$service/supervise/pid" or die "$service: $!\n";
    my $pid = <$fh>;
    chomp $pid;
    return $pid;
}

# How many workers a pool has: "fast" or "slow".
sub workers {
    my ($self, $pool) = @_;
    open my $fh, '<', "$self->{dir}/twocare.conf" or die "twocare.conf: $!\n";
    while (my $line = <$fh>) { return $1 if $line =~ /^\s*\Q$pool\E_workers\s*=\s*(\d+)/ }
    die "twocare.conf has no ${pool}_workers\n";
}

sub servers {
    my ($self, @names) = @_;
    @names = qw(nginx backend postgres) if !@names;
    return { map { $_ => [ $self->master($_) ] } @names };
}

# What was logged is repeated later, with the times of then: a write's time may
# be old (sql/migrations/0005_horizon.sql).
sub allow_replays {
    my ($self, $database) = @_;
    my @late = ('create or replace function late() returns interval language sql immutable as',
        q($$ select interval '1 year' $$));
    system($self->psql($database), '-c', "@late") == 0 or die "psql failed\n";
    return;
}

# A new empty database, migrated like the instance's own.
sub scratch {
    my ($self, $name) = @_;
    my $conf = "$self->{dir}/$name.conf";
    open my $in,  '<', "$self->{dir}/twocare.conf" or die "twocare.conf: $!\n";
    open my $out, '>', $conf                       or die "$conf: $!\n";
    while (my $line = <$in>) { print {$out} $line =~ s/dbname=twocare/dbname=$name/r }
    close $out or die "$conf: $!\n";
    $self->sql("drop database if exists $name", "create database $name owner twocare");
    system("'$self->{build}/twocare' migrate --conf '$conf' >/dev/null") == 0 or die "migrate failed\n";
    return $name;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($?, $!, $@);
    eval { $self->command('stop'); 1 } or warn $@;
    return;
}

1;

package Statements;

# The statements that PostgreSQL was sent, read from its own log, as scripts of
# pgbench: so the peer runs the same SQL.
#
#   my $log = Statements->new($instance);
#   my @sent = $log->during(sub { ... });
#
# A statement: { session, name, sql, args => [text or undef, ...] }.

use strict;
use warnings;

use Load;
use Time::HiRes qw(sleep);

my %SWITCHES = (
    log_statement            => 'all',
    log_error_verbosity      => 'default',
    log_parameter_max_length => -1,
    log_destination          => 'jsonlog',
);

# The log goes to a file of its own, written by one process: lines of several
# sessions do not mix there. This restarts the database once.
sub new {
    my ($class, $instance) = @_;
    my $self = bless { instance => $instance }, $class;
    $instance->sql(q(alter system set logging_collector = on),
        q(alter system set log_directory = 'statements'), q(alter system set log_filename = 'all.log'),
        q(alter system set log_rotation_size = 0), q(alter system set log_rotation_age = 0));
    Load::capture('sv', '-w', '30', 'restart', "$instance->{dir}/service/postgres");
    $self->{file} = "$instance->{dir}/pg/statements/all.json";
    for (1 .. 150) {
        last if system($instance->program('pg_isready'), '-q', '-h', $instance->host) == 0;
        sleep 0.2;
    }
    return $self;
}

sub during {
    my ($self, $load) = @_;
    my $instance = $self->{instance};
    $instance->sql((map { "alter system set $_ = '$SWITCHES{$_}'" } sort keys %SWITCHES),
        'select pg_reload_conf()');
    sleep 0.5;
    my $from = -s $self->{file} // 0;
    $load->();
    sleep 0.3;
    $instance->sql((map { "alter system reset $_" } sort keys %SWITCHES), 'select pg_reload_conf()');
    sleep 0.5;
    return $self->read_from($from);
}

my %ESCAPE = (n => "\n", t => "\t", r => "\r", b => "\b", f => "\f");

sub unescape {
    my ($s) = @_;
    $s =~ s/\\(?:u([0-9a-fA-F]{4})|(.))/defined $1 ? chr hex $1 : $ESCAPE{$2} \/\/ $2/ge;
    return $s;
}

# Quotes inside a value are escaped, so that '","' ends it. Jobs asks for the
# state's version four times a second; that is not ours.
sub read_from {
    my ($self, $offset) = @_;
    my @sent;
    open my $fh, '<:raw', $self->{file} or die "$self->{file}: $!\n";
    seek $fh, $offset, 0;
    while (my $line = <$fh>) {
        my ($message) = $line =~ /"message":"(.*?)","/ or next;
        my ($name, $sql) = unescape($message) =~ /^execute (\S+): (.*)$/s or next;
        next if $name =~ /^(?:state_|job_|migration_|setting_)/;
        my ($session) = $line =~ /"session_id":"([^"]*)"/;
        my ($detail)  = $line =~ /"detail":"parameters: (.*?)","/;
        push @sent, { session => $session, name => $name, sql => $sql,
            args => args(unescape($detail // '')) };
    }
    return @sent;
}

sub args {
    my ($text) = @_;
    my @args;
    while ($text =~ /\G\$\d+ = (?:(NULL)|'((?:[^']++|'')*+)')(?:, )?/gc) {
        push @args, defined $1 ? undef : $2 =~ s/''/'/gr;
    }
    return \@args;
}

# --- as pgbench reads it --------------------------------------------------------

# A value as a literal. pgbench takes ":name" for a variable even in quotes.
sub literal {
    my ($value) = @_;
    return 'null' if !defined $value;
    $value =~ s/\\/\\\\/g;
    $value =~ s/'/''/g;
    $value =~ s/:/\\x3a/g;
    return "E'$value'";
}

# The log does not tell types; where the statement does not either, the value
# must.
sub type_of {
    my ($value) = @_;
    return '' if !defined $value || $value !~ /^\{(.*)\}$/s;
    my $inner = $1;
    return '::boolean[]'     if $inner =~ /^[tf](?:,[tf])*$/;
    return '::timestamptz[]' if $inner =~ /^"?(?:-?infinity|\d{4,}-\d\d-\d\d )/;
    return '::text[]'        if $inner =~ /[^-\d,]/;
    return '::bigint[]'      if grep { abs > 2**31 } split /,/, $inner;
    return '::int[]';
}

# pgbench would take the bound of a slice for a variable: "[a:b]".
sub text_of {
    my ($sent) = @_;
    return $sent->{sql} =~ s/\s+$//r =~ s/(?<!:):(?=[a-z_])/: /gr;
}

# The statement with each argument put in by $expr->(value, number), which may
# decline with undef.
sub inlined {
    my ($sent, $expr) = @_;
    my $sql = text_of($sent);
    $sql =~ s{\$(\d+)(?!\d)(\)?::)?}{
        my $value = $sent->{args}[ $1 - 1 ];
        my $said  = $expr ? $expr->($value, $1) : undef;
        ($said // literal($value)) . ($2 // type_of($value))
    }ge;
    return $sql;
}

# The same as PREPARE, once a session, and EXECUTE.
sub prepare {
    my ($sent) = @_;
    my $sql = text_of($sent);
    $sql =~ s{\$(\d+)(?!\d)(\)?::)?}{ "\$$1" . ($2 // type_of($sent->{args}[ $1 - 1 ])) }ge;
    return "prepare $sent->{name} as $sql";
}

sub execute {
    my ($sent) = @_;
    return "execute $sent->{name}(" . join(', ', map { literal($_) } @{ $sent->{args} }) . ')';
}

# An expression of pgbench that picks the value whose number, from $first on,
# the variable holds: pgbench has no lists.
sub choose {
    my ($variable, $first, @values) = @_;
    return $values[0] if @values == 1;
    my $half = int(@values / 2);
    my $low  = choose($variable, $first,         @values[ 0 .. $half - 1 ]);
    my $high = choose($variable, $first + $half, @values[ $half .. $#values ]);
    return "case when :$variable < " . ($first + $half) . " then $low else $high end";
}

1;

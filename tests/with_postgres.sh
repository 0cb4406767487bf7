#!/bin/sh
# with_postgres.sh COMMAND...: run it with a private, throw-away PostgreSQL
# whose conninfo is in TEST_PG. Socket only, no durability. As root the server
# runs as the user postgres.
set -eu

find_bin() {
	if [ -n "${PG_BIN:-}" ]; then
		echo "$PG_BIN"
		return
	fi
	printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -n | tail -n 1
}

bin=$(find_bin)
if [ ! -x "$bin/initdb" ]; then
	echo "with_postgres.sh: no PostgreSQL server found (PG_BIN)" >&2
	exit 1
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/twocare-pg.XXXXXX")

as_owner() {
	if [ "$(id -u)" = 0 ]; then
		(cd "$dir" && setpriv --reuid=postgres --regid=postgres \
		    --init-groups env -i PATH="$PATH" LC_ALL=C.UTF-8 "$@")
	else
		"$@"
	fi
}

finish() {
	status=$?
	trap - EXIT INT TERM
	as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop \
	    >/dev/null 2>&1 || true
	rm -rf "$dir"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ "$(id -u)" != 0 ] || chown postgres "$dir"
as_owner "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 \
    --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 ||
    { cat "$dir/initdb.log" >&2; exit 1; }
cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 60
log_min_messages = fatal
CONF
as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null ||
    { cat "$dir/log" >&2; exit 1; }

TEST_PG="host=$dir dbname=postgres user=postgres"
TEST_PG_DATA="$dir/data"
TEST_PG_BIN="$bin"
export TEST_PG TEST_PG_DATA TEST_PG_BIN
"$@"

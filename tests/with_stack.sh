#!/bin/bash
# tests/with_stack.sh COMMAND...: run COMMAND while a sandbox instance of its
# own is up; its settings file is named by STACK_ENV. Stops it afterwards, and
# fails when a sanitizer has reported something (`make asan`).
#
#   tests/with_stack.sh prove -v t/30_records.t

set -eu
cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build}
export RUN_DIR=$BUILD/t/run ENV=sandbox
export FAST_WORKERS=4 SLOW_WORKERS=2

finish() {
	local status=$?
	trap - EXIT
	tools/instance.sh stop
	if grep -rnE -A 20 'Sanitizer: |runtime error: ' "$RUN_DIR/log/"; then
		echo "a sanitizer has reported something" >&2
		status=1
	fi
	exit $status
}

# Two ports in a row on which nobody listens.
free_port() {
	local port
	for ((port = 18443; port < 18543; port += 2)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
		    (exec 3<>"/dev/tcp/127.0.0.1/$((port + 1))") 2>/dev/null ||
		    { echo $port; return; }
	done
}

trap finish EXIT
tools/instance.sh stop
PORT=${STACK_PORT:-$(free_port)}
export PORT
rm -rf "$(realpath -m "$RUN_DIR")" "$RUN_DIR"
tools/instance.sh start >"$BUILD/t-start.log" 2>&1 || { cat "$BUILD/t-start.log" >&2; exit 1; }
STACK_ENV=$(realpath "$RUN_DIR")/env
export STACK_ENV
"$@"

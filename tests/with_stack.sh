#!/bin/bash
# tests/with_stack.sh COMMAND...: run COMMAND while a sandbox instance of its
# own is up; its settings file is named by STACK_ENV. Stops it afterwards, and
# fails when a sanitizer has reported something (`make asan`).
#
#   tests/with_stack.sh prove -v t/30_records.t

set -eu
cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build}
export RUN_DIR=$BUILD/t/run PORT=${STACK_PORT:-18443} ENV=sandbox
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

trap finish EXIT
tools/instance.sh stop
rm -rf "$(realpath -m "$RUN_DIR")" "$RUN_DIR"
tools/instance.sh start >"$BUILD/t-start.log" 2>&1 || { cat "$BUILD/t-start.log" >&2; exit 1; }
STACK_ENV=$(realpath "$RUN_DIR")/env
export STACK_ENV
"$@"

#!/bin/sh
# Run the unit test programs given, each to its end; fail when one did.
failed=
for test; do
	echo "== ${test##*/}"
	"$test" || failed="$failed ${test##*/}"
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }

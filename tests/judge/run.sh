#!/bin/bash
# run.sh JUDGE...: run the foreign judges, which use packages from npm, pinned by
# package-lock.json, that were written by nobody of us. Offline they are skipped
# with a visible count; with TWOCARE_NO_SKIP set (CI) a skip is a failure.
#
#   tests/judge/run.sh fhirpath
#   tests/with_stack.sh tests/judge/run.sh property

set -eu
cd "$(dirname "$0")/../.."
build=$(realpath -m "${BUILD:-build}")
judges=("$@")

# They run on node 18 too, whatever they declare: hence no warnings. No script
# of a package is run.
fetch() {
	[ tests/judge/node_modules/.package-lock.json -nt tests/judge/package-lock.json ] ||
	    npm ci --prefix tests/judge --no-audit --no-fund --ignore-scripts \
	    --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=2000
}

skip() {
	echo "SKIPPED: ${#judges[@]} judges: $1"
	echo "0 passed, 0 failed, ${#judges[@]} skipped"
	[ -z "${TWOCARE_NO_SKIP:-}" ]
	exit
}

command -v npm >/dev/null || skip "npm is missing: run ./configure.sh"
fetch || skip "npm's registry is out of reach (the error is above)"
failed=0
for judge in "${judges[@]}"; do
	echo "== $judge"
	node "tests/judge/$judge.js" "$build/tests/tool_extract" || failed=$((failed + 1))
done
echo "$((${#judges[@]} - failed)) passed, $failed failed"
[ $failed = 0 ]

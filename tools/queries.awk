# Turn sql/queries/*.sql into C: each `-- name: x` begins a statement that
# becomes `const struct pg_query query_x`. With -v header=1: declarations only.
# Comment lines stay in the .sql; PostgreSQL need not read them.

function finish() {
	if (name == "")
		return
	if (header)
		printf "extern const struct pg_query query_%s;\n", name
	else
		printf "const struct pg_query query_%s = {\n\t\"%s\",\n%s};\n\n",
		    name, name, body
	name = ""
	body = ""
}

BEGIN {
	print "/* Made by tools/queries.awk from sql/queries. Do not edit. */"
	if (header) {
		print "#ifndef QUERIES_H\n#define QUERIES_H\n"
		print "#include \"wire/pg.h\"\n"
	} else
		print "#include \"queries.h\"\n"
}

/^-- name: / { finish(); name = $3; next }
/^[ \t]*--/ { next }
/^[ \t]*$/ { next }
{
	sub(/[ \t]+--.*$/, "")
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	gsub(/\t/, " ")
	if (name != "")
		body = body "\t\"" $0 "\\n\"\n"
}

END {
	finish()
	if (header)
		print "\n#endif"
}

/* Patches of records: JSON Patch and FHIRPath Patch, what each may do, what is
 * refused, and that nothing else changes by a byte. */

#include "base/buf.h"
#include "fhir/patch.h"
#include "lib/document.h"
#include "lib/suite.h"

#include <check.h>

#undef fail	/* a macro of Check's past */

#define HEAD	"\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{"	\
    "\"versionId\":\"3\",\"lastUpdated\":\"2026-01-15T10:30:00.123Z\"}"

static struct arena *arena;
static struct ctx ctx;

static void
open_ctx(void)
{
	arena = arena_new(1 << 16);
	ctx = (struct ctx){ .arena = arena };
}

static void
close_ctx(void)
{
	arena_free(arena);
}

/* ' for ", as in document_parse(). */
static struct str
body_of(const char *members)
{
	struct str body = arena_printf(arena, "{%s%s%s}", HEAD,
	    *members == '\0' ? "" : ",", members);
	char *p = arena_alloc(arena, body.n);

	for (size_t i = 0; i < body.n; i++)
		p[i] = body.p[i] == '\'' ? '"' : body.p[i];
	return (struct str){ p, body.n };
}

static enum err
run(enum patch_form form, const char *members, const char *text,
    struct str *out)
{
	const struct jdoc *d = document_parse(arena, text);
	const struct jdoc *made = NULL;
	struct patch patch;
	enum err err;

	fault_clear(&ctx);
	if ((err = patch_read(&ctx, form, d, 0, &patch)) != OK ||
	    (err = patch_apply(&ctx, &patch, r4_type_named(STR("Patient")),
	    body_of(members), &made)) != OK)
		return err;
	*out = made->text;
	return OK;
}

static const char *
first_text(void)
{
	return ctx.fault.issues == NULL ? "" :
	    arena_z(arena, ctx.fault.issues->text);
}

static void
gives(enum patch_form form, const char *members, const char *patch,
    const char *wanted)
{
	struct str got = STR_NONE, want = body_of(wanted);
	enum err err = run(form, members, patch, &got);

	ck_assert_msg(err == OK, "%s: %s", patch, first_text());
	ck_assert_msg(str_eq(got, want), "%s\ngave %.*s\nnot  %.*s", patch,
	    STR_ARGS(got), STR_ARGS(want));
}

static void
refused(enum patch_form form, const char *members, const char *patch,
    enum err wanted, const char *word)
{
	struct str got = STR_NONE;
	enum err err = run(form, members, patch, &got);

	ck_assert_msg(err == wanted, "%s: %d, not %d: %s %.*s", patch,
	    (int)err, (int)wanted, first_text(), STR_ARGS(got));
	ck_assert_msg(strstr(first_text(), word) != NULL, "%s: \"%s\" does not "
	    "say \"%s\"", patch, first_text(), word);
}

/* --- JSON Patch ----------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char	*members, *patch, *wanted;
} json_rows[] = {
{ "", "[]", "" },
{ "'a':1", "[{'op':'add','path':'/b','value':1.10}]", "'a':1,'b':1.10" },
{ "'a':1", "[{'op':'add','path':'/a','value':{'x': 2}}]", "'a':{'x': 2}" },
{ "'l':[1, 2]", "[{'op':'add','path':'/l/1','value':9}]", "'l':[1,9,2]" },
{ "'l':[1]", "[{'op':'add','path':'/l/-','value':9}]", "'l':[1,9]" },
{ "'l':[1]", "[{'op':'add','path':'/l/1','value':9}]", "'l':[1,9]" },
{ "'l':[]", "[{'op':'add','path':'/l/0','value':null}]", "'l':[null]" },
{ "'':1", "[{'op':'replace','path':'/','value':2}]", "'':2" },
{ "'a/b':1,'m~n':2", "[{'op':'replace','path':'/a~1b','value':3},"
  "{'op':'remove','path':'/m~0n'}]", "'a/b':3" },
{ "'~1':1", "[{'op':'replace','path':'/~01','value':2}]", "'~1':2" },
{ "'a':{'b':[{'c':1},{'c':2}]}", "[{'op':'replace','path':'/a/b/1/c','value':[]}]", "'a':{'b':[{'c':1},{'c':[]}]}" },
{ "'a':{'b':1},'c':2", "[{'op':'remove','path':'/a/b'}]", "'a':{},'c':2" },
{ "'l':[1,2,3]", "[{'op':'remove','path':'/l/0'},{'op':'remove','path':'/l/1'}]", "'l':[2]" },
{ "'a':{'b':1.50},'c':{}", "[{'op':'move','from':'/a/b','path':'/c/d'}]", "'a':{},'c':{'d':1.50}" },
{ "'l':[1,2,3]", "[{'op':'move','from':'/l/0','path':'/l/2'}]", "'l':[2,3,1]" },
{ "'a':1", "[{'op':'move','from':'/a','path':'/a'}]", "'a':1" },
{ "'a':{'b':1}", "[{'op':'copy','from':'/a','path':'/c'},{'op':'add','path':'/c/b','value':2}]", "'a':{'b':1},'c':{'b':2}" },
{ "'a':{'b':1}", "[{'op':'add','path':'/a/c','value':2},{'op':'copy','from':'/a','path':'/d'},{'op':'remove','path':'/a/b'}]",
  "'a':{'c':2},'d':{'b':1,'c':2}" },
{ "'a':1.10", "[{'op':'test','path':'/a','value':1.1},{'op':'test','path':'/a','value':11e-1}]", "'a':1.10" },
{ "'a':{'x':1,'y':[1,{}]}", "[{'op':'test','path':'/a','value':{'y':[1.0,{}],'x':1}}]", "'a':{'x':1,'y':[1,{}]}" },
{ "'a':'\\u0041'", "[{'op':'test','path':'/a','value':'A'}]", "'a':'\\u0041'" },
{ "'a':null", "[{'op':'test','path':'/a','value':null}]", "'a':null" },
{ "'a':1", "[{'op':'test','path':'/id','value':'a'},{'op':'add','path':'/b','value':true,'extra':1}]", "'a':1,'b':true" },
/* What is not named keeps its blanks, escapes and digits. */
{ "'a' : [ 1.00 , 2e2 ], 'b':'\\u00e9', 'c':0", "[{'op':'remove','path':'/c'}]", "'a':[ 1.00 , 2e2 ],'b':'\\u00e9'" },
};

static const struct {
	const char	*members, *patch;
	enum err	 err;
	const char	*word;
} json_wrong[] = {
{ "", "{}",							ERR_INVALID_REQUEST, "array" },
{ "", "[1]",							ERR_INVALID_REQUEST, "object" },
{ "", "[{'path':'/a'}]",					ERR_INVALID_REQUEST, "\"op\"" },
{ "", "[{'op':'spam','path':'/a'}]",				ERR_INVALID_REQUEST, "spam" },
{ "", "[{'op':'add','path':'/a'}]",				ERR_INVALID_REQUEST, "value" },
{ "", "[{'op':'add','value':1}]",				ERR_INVALID_REQUEST, "path" },
{ "", "[{'op':'copy','path':'/a'}]",				ERR_INVALID_REQUEST, "from" },
{ "", "[{'op':'add','path':'a','value':1}]",			ERR_INVALID_REQUEST, "begin" },
{ "", "[{'op':'add','path':'/~2','value':1}]",			ERR_INVALID_REQUEST, "~0" },
{ "", "[{'op':'add','path':'/a/b','value':1}]",			ERR_VALIDATION, "nothing" },
{ "'a':1", "[{'op':'add','path':'/a/b','value':1}]",		ERR_VALIDATION, "member" },
{ "'l':[1]", "[{'op':'add','path':'/l/2','value':1}]",		ERR_VALIDATION, "behind" },
{ "'l':[1]", "[{'op':'add','path':'/l/01','value':1}]",		ERR_VALIDATION, "index" },
{ "'l':[1]", "[{'op':'add','path':'/l/-1','value':1}]",		ERR_VALIDATION, "index" },
{ "'l':[1]", "[{'op':'remove','path':'/l/-'}]",			ERR_VALIDATION, "nothing" },
{ "'l':[1]", "[{'op':'replace','path':'/l/1','value':1}]",	ERR_VALIDATION, "nothing" },
{ "", "[{'op':'remove','path':'/a'}]",				ERR_VALIDATION, "nothing" },
{ "", "[{'op':'remove','path':''}]",				ERR_VALIDATION, "whole" },
{ "'a':1", "[{'op':'test','path':'/a','value':'1'}]",		ERR_VALIDATION, "test" },
{ "'a':1", "[{'op':'test','path':'/a','value':1.01}]",		ERR_VALIDATION, "test" },
{ "'a':[1]", "[{'op':'test','path':'/a','value':[1,2]}]",	ERR_VALIDATION, "test" },
{ "'a':{'b':1}", "[{'op':'move','from':'/a','path':'/a/c'}]",	ERR_INVALID_REQUEST, "itself" },
{ "", "[{'op':'replace','path':'/id','value':'b'}]",		ERR_VALIDATION, "id" },
{ "", "[{'op':'remove','path':'/id'}]",				ERR_VALIDATION, "id" },
{ "", "[{'op':'replace','path':'/resourceType','value':'Group'}]", ERR_VALIDATION, "resourceType" },
{ "", "[{'op':'replace','path':'/meta/versionId','value':'9'}]", ERR_VALIDATION, "versionId" },
{ "", "[{'op':'replace','path':'/meta/lastUpdated','value':'2020-01-01T00:00:00Z'}]", ERR_VALIDATION, "lastUpdated" },
{ "", "[{'op':'replace','path':'','value':[]}]",		ERR_VALIDATION, "resourceType" },
};

/* --- FHIRPath Patch ------------------------------------------------------- */

#define OP(type, path, more) "{'resourceType':'Parameters','parameter':[{"    \
    "'name':'operation','part':[{'name':'type','valueCode':'" type "'},"      \
    "{'name':'path','valueString':'" path "'}" more "]}]}"
#define NAME(text)	",{'name':'name','valueString':'" text "'}"
#define VALUE(value)	",{'name':'value'," value "}"
#define NUMBER(name, n)	",{'name':'" name "','valueInteger':" #n "}"

static const struct {
	const char	*members, *patch, *wanted;
} path_rows[] = {
{ "", OP("add", "Patient", NAME("birthDate") VALUE("'valueDate':'1930-01-01'")), "'birthDate':'1930-01-01'" },
{ "", OP("add", "Patient", NAME("active") VALUE("'valueBoolean':true")), "'active':true" },
{ "", OP("add", "Patient", NAME("gender") VALUE("'valueString':'male'")), "'gender':'male'" },
{ "", OP("add", "Patient", NAME("deceased") VALUE("'valueBoolean':false")), "'deceasedBoolean':false" },
{ "", OP("add", "Patient", NAME("name") VALUE("'valueHumanName':{'family':'A'}")), "'name':[{'family':'A'}]" },
{ "'name':[{'family':'A'}]", OP("add", "Patient", NAME("name") VALUE("'valueHumanName':{'family':'B'}")), "'name':[{'family':'A'},{'family':'B'}]" },
{ "'name':[{'family':'A'},{'family':'B'}]", OP("add", "Patient.name[1]", NAME("given") VALUE("'valueString':'C'")),
  "'name':[{'family':'A'},{'family':'B','given':['C']}]" },
{ "", OP("add", "Patient", NAME("contact") ",{'name':'value','part':[{'name':'name','valueHumanName':{'text':'x'}},"
  "{'name':'telecom','valueContactPoint':{'value':'1'}},{'name':'telecom','valueContactPoint':{'value':'2'}}]}"),
  "'contact':[{'name':{'text':'x'},'telecom':[{'value':'1'},{'value':'2'}]}]" },
{ "'birthDate':'1930-01-01'", OP("add", "Patient.birthDate", NAME("extension") ",{'name':'value','part':["
  "{'name':'url','valueUri':'u'},{'name':'value','valueCode':'c'}]}"),
  "'birthDate':'1930-01-01','_birthDate':{'extension':[{'url':'u','valueCode':'c'}]}" },
{ "'birthDate':'1930-01-01','_birthDate':{'id':'x'}", OP("replace", "Patient.birthDate", VALUE("'valueDate':'1931-01-01'")), "'birthDate':'1931-01-01'" },
{ "'birthDate':'1930-01-01','_birthDate':{'id':'x'}", OP("delete", "Patient.birthDate", ""), "" },
{ "", OP("delete", "Patient.birthDate", ""), "" },
{ "'deceasedBoolean':true", OP("replace", "Patient.deceased", VALUE("'valueDateTime':'2020'")), "'deceasedDateTime':'2020'" },
{ "'name':[{'given':['A','B'],'_given':[null,{'id':'b'}]}]", OP("delete", "Patient.name.given[0]", ""), "'name':[{'given':['B'],'_given':[{'id':'b'}]}]" },
{ "'name':[{'given':['A','B'],'_given':[null,{'id':'b'}]}]", OP("replace", "Patient.name.given[1]", VALUE("'valueString':'C'")), "'name':[{'given':['A','C']}]" },
{ "'name':[{'given':['A','B'],'_given':[null,{'id':'b'}]}]", OP("insert", "Patient.name.given", NUMBER("index", 1) VALUE("'valueString':'C'")),
  "'name':[{'given':['A','C','B'],'_given':[null,null,{'id':'b'}]}]" },
{ "'name':[{'given':['A']}]", OP("delete", "Patient.name[0].given.where($this = \\u0027A\\u0027)", ""), "'name':[{}]" },
{ "'name':[{'given':['A']}]", OP("replace", "Patient.name.first().given.last()", VALUE("'valueString':'B'")), "'name':[{'given':['B']}]" },
{ "'identifier':[{'value':'a'},{'value':'b'}]", OP("insert", "Patient.identifier", NUMBER("index", 0) VALUE("'valueIdentifier':{'value':'c'}")),
  "'identifier':[{'value':'c'},{'value':'a'},{'value':'b'}]" },
{ "'identifier':[{'value':'a'},{'value':'b'}]", OP("insert", "Patient.identifier", NUMBER("index", 2) VALUE("'valueIdentifier':{'value':'c'}")),
  "'identifier':[{'value':'a'},{'value':'b'},{'value':'c'}]" },
{ "'identifier':[{'value':'a'},{'value':'b'},{'value':'c'}]", OP("move", "Patient.identifier", NUMBER("source", 0) NUMBER("destination", 2)),
  "'identifier':[{'value':'b'},{'value':'c'},{'value':'a'}]" },
{ "'identifier':[{'value':'a'},{'value':'b'},{'value':'c'}]", OP("move", "Patient.identifier", NUMBER("source", 2) NUMBER("destination", 1)),
  "'identifier':[{'value':'a'},{'value':'c'},{'value':'b'}]" },
{ "'identifier':[{'system':'s','value':'a'},{'system':'t','value':'a'}]",
  OP("replace", "Patient.identifier.where(system = \\u0027t\\u0027 and value=\\u0027a\\u0027).value", VALUE("'valueString':'z'")),
  "'identifier':[{'system':'s','value':'a'},{'system':'t','value':'z'}]" },
{ "'extension':[{'url':'u','valueDecimal':1.0},{'url':'v','valueDecimal':2.50}]", OP("replace", "Patient.extension(\\u0027u\\u0027).value", VALUE("'valueDecimal':3.00")),
  "'extension':[{'url':'u','valueDecimal':3.00},{'url':'v','valueDecimal':2.50}]" },
{ "'contained':[{'resourceType':'Group','id':'g','actual':true}]", OP("replace", "Patient.contained[0].actual", VALUE("'valueBoolean':false")),
  "'contained':[{'resourceType':'Group','id':'g','actual':false}]" },
{ "'multipleBirthInteger':2,'name':[{'text' : 'x' }]", OP("delete", "Patient.multipleBirth", ""), "'name':[{'text' : 'x' }]" },
};

static const struct {
	const char	*members, *patch;
	enum err	 err;
	const char	*word;
} path_wrong[] = {
{ "", "[]",								ERR_INVALID_REQUEST, "Parameters" },
{ "", "{'resourceType':'Parameters','parameter':[{'name':'x','valueCode':'a'}]}", ERR_INVALID_REQUEST, "operation" },
{ "", "{'resourceType':'Parameters','parameter':[{'name':'operation'}]}", ERR_INVALID_REQUEST, "type" },
{ "", "{'resourceType':'Parameters','parameter':[{'part':1}]}",		ERR_VALIDATION, "" },
{ "", OP("spam", "Patient", ""),					ERR_INVALID_REQUEST, "spam" },
{ "", OP("add", "Patient", NAME("active")),				ERR_INVALID_REQUEST, "value" },
{ "", OP("move", "Patient", NUMBER("source", 1)),			ERR_INVALID_REQUEST, "destination" },
{ "", OP("insert", "Patient.name", VALUE("'valueString':'a'") NUMBER("index", -1)), ERR_INVALID_REQUEST, "index" },
{ "", OP("delete", "Patient", ""),					ERR_VALIDATION, "whole" },
{ "", OP("replace", "Patient", VALUE("'valueString':'a'")),		ERR_VALIDATION, "whole" },
{ "", OP("delete", "Patient.nam", ""),					ERR_VALIDATION, "nam" },
{ "", OP("delete", "Patient.name.", ""),				ERR_NOT_SUPPORTED, "path" },
{ "", OP("delete", "Patient.name | Patient.contact", ""),		ERR_NOT_SUPPORTED, "path" },
{ "", OP("delete", "Patient.managingOrganization.resolve()", ""),	ERR_NOT_SUPPORTED, "resolve" },
{ "", OP("delete", "Patient.name.where(family > 1)", ""),		ERR_NOT_SUPPORTED, "path" },
{ "", OP("delete", "Patient.name[x]", ""),				ERR_NOT_SUPPORTED, "path" },
{ "", OP("replace", "Patient.birthDate", VALUE("'valueDate':'1930'")),	ERR_VALIDATION, "0 elements" },
{ "'name':[{},{}]", OP("delete", "Patient.name", ""),			ERR_VALIDATION, "2 elements" },
{ "'name':[{},{}]", OP("add", "Patient.name", NAME("family") VALUE("'valueString':'a'")), ERR_VALIDATION, "2 elements" },
{ "'birthDate':'1930'", OP("add", "Patient", NAME("birthDate") VALUE("'valueDate':'1931'")), ERR_VALIDATION, "already" },
{ "'deceasedBoolean':true", OP("add", "Patient", NAME("deceased") VALUE("'valueDateTime':'1931'")), ERR_VALIDATION, "already" },
{ "", OP("add", "Patient", NAME("nonsense") VALUE("'valueDate':'1931'")), ERR_VALIDATION, "nonsense" },
{ "", OP("add", "Patient", NAME("name") VALUE("'valueString':'x'")),	ERR_VALIDATION, "type" },
{ "", OP("add", "Patient", NAME("deceased") VALUE("'valueString':'x'")), ERR_VALIDATION, "type" },
{ "", OP("insert", "Patient.name", NUMBER("index", 0) VALUE("'valueHumanName':{'text':'a'}")), ERR_VALIDATION, "no list" },
{ "'name':[{'text':'x'}]", OP("insert", "Patient.name", NUMBER("index", 2) VALUE("'valueHumanName':{'text':'a'}")), ERR_VALIDATION, "behind" },
{ "'name':[{'text':'x'}]", OP("move", "Patient.name", NUMBER("source", 0) NUMBER("destination", 1)), ERR_VALIDATION, "below" },
{ "'name':[{'given':['a']},{'given':['b']}]", OP("move", "Patient.name.given", NUMBER("source", 0) NUMBER("destination", 0)), ERR_VALIDATION, "list" },
{ "'gender':'male'", OP("move", "Patient.gender", NUMBER("source", 0) NUMBER("destination", 0)), ERR_VALIDATION, "list" },
{ "", OP("replace", "Patient.id", VALUE("'valueId':'b'")),		ERR_VALIDATION, "id" },
{ "", OP("replace", "Patient.meta.versionId", VALUE("'valueId':'9'")),	ERR_VALIDATION, "versionId" },
};
/* clang-format on */

#define NROWS(rows)	(int)(sizeof(rows) / sizeof((rows)[0]))

START_TEST(json_patch_changes_what_it_names)
{
	gives(PATCH_JSON, json_rows[_i].members, json_rows[_i].patch,
	    json_rows[_i].wanted);
}
END_TEST

START_TEST(json_patch_refuses)
{
	refused(PATCH_JSON, json_wrong[_i].members, json_wrong[_i].patch,
	    json_wrong[_i].err, json_wrong[_i].word);
}
END_TEST

START_TEST(fhirpath_patch_changes_what_it_names)
{
	gives(PATCH_FHIRPATH, path_rows[_i].members, path_rows[_i].patch,
	    path_rows[_i].wanted);
}
END_TEST

START_TEST(fhirpath_patch_refuses)
{
	refused(PATCH_FHIRPATH, path_wrong[_i].members, path_wrong[_i].patch,
	    path_wrong[_i].err, path_wrong[_i].word);
}
END_TEST

START_TEST(issues_name_their_operation)
{
	refused(PATCH_JSON, "", "[{'op':'add','path':'/a','value':1},"
	    "{'op':'remove','path':'/b'}]", ERR_VALIDATION, "nothing");
	ck_assert(str_eqz(ctx.fault.issues->path, "[1]"));
}
END_TEST

START_TEST(copies_of_copies_are_bounded)
{
	struct buf b = buf_new(arena, 0);

	buf_addz(&b, "[{'op':'add','path':'/a','value':{}},"
	    "{'op':'add','path':'/a/x','value':1}");
	for (int i = 0; i < 60; i++)
		buf_addf(&b, ",{'op':'copy','from':'/a','path':'/a/b%d'}", i);
	buf_addz(&b, "]");
	refused(PATCH_JSON, "", arena_z(arena, buf_str(&b)), ERR_TOO_LARGE,
	    "large");
}
END_TEST

START_TEST(depth_is_bounded)
{
	struct buf b = buf_new(arena, 0);

	buf_addz(&b, "[{'op':'add','path':'/a','value':[]}");
	for (int i = 0; i < 80; i++)
		buf_addz(&b, ",{'op':'add','path':'/b','value':[]},"
		    "{'op':'move','from':'/a','path':'/b/0'},"
		    "{'op':'move','from':'/b','path':'/a'}");
	buf_addz(&b, "]");
	refused(PATCH_JSON, "", arena_z(arena, buf_str(&b)), ERR_VALIDATION,
	    "deep");
}
END_TEST

START_TEST(operations_are_bounded)
{
	struct buf b = buf_new(arena, 0);

	for (int i = 0; i <= PATCH_OPERATIONS_MAX; i++)
		buf_addf(&b, "%c{'op':'test','path':'/id','value':'a'}",
		    i == 0 ? '[' : ',');
	buf_addc(&b, ']');
	refused(PATCH_JSON, "", arena_z(arena, buf_str(&b)), ERR_TOO_LARGE,
	    "operations");
}
END_TEST

START_TEST(a_binary_holds_a_json_patch)
{
	struct patch patch;

	ck_assert_int_eq(patch_read_resource(&ctx, document_parse(arena,
	    "{'resourceType':'Binary','contentType':"
	    "'application/json-patch+json','data':'W10='}"), 0, &patch), OK);
	ck_assert(patch.form == PATCH_JSON);
	ck_assert_int_eq(patch_read_resource(&ctx, document_parse(arena,
	    "{'resourceType':'Binary','contentType':'text/plain',"
	    "'data':'W10='}"), 0, &patch), ERR_INVALID_REQUEST);
	ck_assert_int_eq(patch_read_resource(&ctx, document_parse(arena,
	    "{'resourceType':'Patient'}"), 0, &patch), ERR_INVALID_REQUEST);
	ck_assert_int_eq(patch_read_resource(&ctx, document_parse(arena,
	    OP("delete", "Patient.name", "")), 0, &patch), OK);
	ck_assert(patch.form == PATCH_FHIRPATH);
}
END_TEST

int
main(void)
{
	TCase *tc = suite_case("patch");

	tcase_add_checked_fixture(tc, open_ctx, close_ctx);
	tcase_add_loop_test(tc, json_patch_changes_what_it_names, 0,
	    NROWS(json_rows));
	tcase_add_loop_test(tc, json_patch_refuses, 0, NROWS(json_wrong));
	tcase_add_loop_test(tc, fhirpath_patch_changes_what_it_names, 0,
	    NROWS(path_rows));
	tcase_add_loop_test(tc, fhirpath_patch_refuses, 0, NROWS(path_wrong));
	tcase_add_test(tc, issues_name_their_operation);
	tcase_add_test(tc, copies_of_copies_are_bounded);
	tcase_add_test(tc, depth_is_bounded);
	tcase_add_test(tc, operations_are_bounded);
	tcase_add_test(tc, a_binary_holds_a_json_patch);
	return suite_run();
}

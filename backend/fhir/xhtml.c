/*
 * The narrative's XHTML: one div whose tags nest, with elements and attributes
 * of formatting only. What could run or load something is refused here, so
 * nobody who shows a stored narrative has to be afraid of it.
 * That there is some text (txt-2) is not asked: many systems send empty ones.
 * R4 narrative.html#xhtml, txt-1
 */

#include "fhir/primitive.h"

#define DEPTH_MAX	64	/* of tags; deeper ones serve no reader */

/* The elements that txt-1 allows, sorted. */
static const char *const elements[] = {
	"a", "abbr", "acronym", "address", "area", "b", "bdo", "big",
	"blockquote", "br", "caption", "cite", "code", "col", "colgroup",
	"dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
	"h6", "hr", "i", "img", "kbd", "li", "map", "ol", "p", "pre", "q",
	"samp", "small", "span", "strong", "sub", "sup", "table", "tbody",
	"td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
};

/* The attributes that txt-1 allows on any of them, sorted. */
static const char *const attributes[] = {
	"abbr", "accesskey", "align", "alt", "axis", "border", "cellpadding",
	"cellspacing", "char", "charoff", "charset", "cite", "class",
	"colspan", "coords", "dir", "frame", "headers", "height", "href",
	"hreflang", "id", "ismap", "lang", "longdesc", "name", "nohref",
	"nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape", "space",
	"span", "src", "start", "style", "summary", "tabindex", "title", "type",
	"usemap", "valign", "value", "width", "xml:lang", "xml:space",
	"xmlns",
};

struct scan {
	struct str	 rest;
	struct str	 open[DEPTH_MAX];
	size_t		 depth;
	bool		 begun;		/* the div was seen */
};

static bool
listed(const char *const *names, size_t n, struct str name)
{
	size_t low = 0, middle;
	int order;

	while (low < n) {
		middle = low + (n - low) / 2;
		order = str_cmp(name, str_of(names[middle]));
		if (order == 0)
			return true;
		if (order < 0)
			n = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_blanks(struct str *s)
{
	while (s->n > 0 && is_blank(s->p[0]))
		*s = str_from(*s, 1);
}

/* The name at the beginning of *s, cut off. */
static struct str
take_name(struct str *s)
{
	struct str name = *s;
	size_t n = 0;

	while (n < s->n && !is_blank(s->p[n]) &&
	    !str_has(STR("<>/='\"&"), s->p[n]))
		n++;
	name.n = n;
	*s = str_from(*s, n);
	return name;
}

/*
 * A link may point anywhere but at a program. Blanks and character references
 * are how "javascript:" is disguised, so before the first of "/?#" there is
 * a scheme that we know, or no ':' and no '&'.
 */
static bool
link_is_harmless(struct str url, bool image)
{
	static const char *const schemes[] = { "http:", "https:", "mailto:",
		"tel:", "urn:", "ftp:" };
	size_t n = 0;

	while (n < url.n && !str_has(STR("/?#:&"), url.p[n]))
		n++;
	if (n == url.n || url.p[n] != ':')
		return n == url.n || url.p[n] != '&';
	url.n = n + 1;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_ieq(url, str_of(schemes[i])))
			return true;
	return image && str_ieq(url, STR("data:"));
}

static const char *
check_attribute(struct str name, struct str value, bool image)
{
	if (!listed(attributes, sizeof(attributes) / sizeof(attributes[0]),
	    name))
		return "an attribute that narratives do not allow";
	if ((str_eqz(name, "href") || str_eqz(name, "src")) &&
	    !link_is_harmless(value, image))
		return "a link that is not http, https, mailto or tel";
	if (str_has(value, '<'))
		return "'<' in an attribute";
	return NULL;
}

/* ` name="value"`* up to the end of a start tag; *closed for "/>". */
static const char *
read_attributes(struct scan *s, bool image, bool *closed)
{
	struct str name, value;
	const char *problem;
	char quote;

	for (;;) {
		skip_blanks(&s->rest);
		*closed = str_starts(s->rest, STR("/>"));
		if (*closed || str_starts(s->rest, STR(">"))) {
			s->rest = str_from(s->rest, *closed ? 2 : 1);
			return NULL;
		}
		name = take_name(&s->rest);
		skip_blanks(&s->rest);
		if (name.n == 0 || !str_starts(s->rest, STR("=")))
			return "an attribute without a value";
		s->rest = str_from(s->rest, 1);
		skip_blanks(&s->rest);
		quote = s->rest.n > 0 ? s->rest.p[0] : ' ';
		if (quote != '"' && quote != '\'')
			return "an attribute without quotes";
		s->rest = str_from(s->rest, 1);
		value = str_cut(&s->rest, quote);
		if (s->rest.p == NULL)
			return "a tag that does not end";
		problem = check_attribute(name, value, image);
		if (problem != NULL)
			return problem;
	}
}

static const char *
read_start(struct scan *s)
{
	struct str name = take_name(&s->rest);
	bool image = str_eqz(name, "img"), closed;
	const char *problem;

	if (!listed(elements, sizeof(elements) / sizeof(elements[0]), name))
		return "an element that narratives do not allow";
	if (s->depth == 0 && (s->begun || !str_eqz(name, "div")))
		return "something else than one div";
	s->begun = true;
	problem = read_attributes(s, image, &closed);
	if (problem != NULL)
		return problem;
	if (closed)
		return NULL;
	if (s->depth == DEPTH_MAX)
		return "tags nested too deeply";
	s->open[s->depth++] = name;
	return NULL;
}

static const char *
read_end(struct scan *s)
{
	struct str name = take_name(&s->rest);

	skip_blanks(&s->rest);
	if (s->depth == 0 || !str_eq(name, s->open[s->depth - 1]) ||
	    !str_starts(s->rest, STR(">")))
		return "tags that do not nest";
	s->rest = str_from(s->rest, 1);
	s->depth--;
	return NULL;
}

static const char *
read_comment(struct scan *s)
{
	const char *end = memmem(s->rest.p, s->rest.n, "-->", 3);

	if (end == NULL)
		return "a comment that does not end";
	s->rest = str_from(s->rest, (size_t)(end - s->rest.p) + 3);
	return NULL;
}

static const char *
read_markup(struct scan *s)
{
	if (str_starts(s->rest, STR("</"))) {
		s->rest = str_from(s->rest, 2);
		return read_end(s);
	}
	if (str_starts(s->rest, STR("<!--"))) {
		s->rest = str_from(s->rest, 4);
		return read_comment(s);
	}
	if (str_starts(s->rest, STR("<!")) || str_starts(s->rest, STR("<?")))
		return "a declaration or instruction";
	s->rest = str_from(s->rest, 1);
	return read_start(s);
}

/* &name; or &#number; */
static bool
reference_ends(struct str s)
{
	size_t i = 1;

	while (i < s.n && i < 12 && s.p[i] != ';' && s.p[i] != '&' &&
	    s.p[i] != '<' && !is_blank(s.p[i]))
		i++;
	return i > 1 && i < s.n && s.p[i] == ';';
}

static const char *
read_text(struct scan *s)
{
	size_t n = 0;

	for (; n < s->rest.n && s->rest.p[n] != '<'; n++) {
		if (is_blank(s->rest.p[n]))
			continue;
		if (s->depth == 0)
			return "text outside of the div";
		if (s->rest.p[n] == '&' && !reference_ends(str_from(s->rest,
		    n)))
			return "'&' that begins no character reference";
	}
	s->rest = str_from(s->rest, n);
	return NULL;
}

const char *
xhtml_problem(struct str text)
{
	struct scan s = { .rest = text };
	const char *problem = NULL;

	while (problem == NULL && s.rest.n > 0)
		problem = s.rest.p[0] == '<' ? read_markup(&s) : read_text(&s);
	if (problem != NULL)
		return problem;
	if (s.depth > 0)
		return "a tag that is not closed";
	return s.begun ? NULL : "no div";
}

// Search as R4 describes it, without an index and without haste: which values
// a parameter selects from a resource says npm's fhirpath; what a search value
// means is said here. R4 search.html
'use strict';

const fhirpath = require('fhirpath');
const r4 = require('fhirpath/fhir-context/r4');

const DAY = 86400000;
const list = (v) => v === undefined ? [] : Array.isArray(v) ? v : [v];
const texts = (...all) => all.flatMap(list).filter((t) => t !== undefined);

// --- what a parameter selects

// Rewritten as fhirpath.js does: "as" means each, "|" must not compare, and
// resolve() decides by the reference alone.
const rewrite = (expression) => expression
    .replace(/\(([\w.]+) as (\w+)\)/g, '$1.ofType($2)')
    .replace(/\.as\((\w+)\)/g, '.ofType($1)')
    .replace(/resolve\(\) is (\w+)/g, "refersTo('$1')");

const options = { userInvocationTable: { refersTo: {
	fn: (nodes, type) => [nodes.map((n) => n.data ?? n).some((r) =>
	    (/([A-Z][A-Za-z]+)\/[^/]+(\/_history\/[^/]+)?$/
		.exec(r.reference ?? '')?.[1] ?? r.type) === type)],
	arity: { 1: ['String'] } } } };

const programs = new Map();

function select(expression, resource) {
	if (!programs.has(expression))
		programs.set(expression, rewrite(expression).split(' | ')
		    .map((part) => fhirpath.compile(part, r4, options)));
	return programs.get(expression).flatMap((part) => part(resource))
	    .filter((v) => v !== null && v !== undefined);
}

// For each element that an expression selects, what each path selects there.
function groups(expression, resource, paths) {
	return expression.split(' | ').flatMap((part) =>
	    fhirpath.evaluate(resource, part, {}, r4).map((group) =>
		paths.map((path) => path.split(' | ').flatMap((p) =>
		    fhirpath.evaluate(group, { base: part, expression: p },
			{ resource }, r4)))));
}

// --- texts and dates

// Without case, accents and the number of blanks. R4 search.html#string
const fold = (text) => text.normalize('NFKD').toLowerCase()
    .replace(/ß/g, 'ss').replace(/\p{M}/gu, '').replace(/\s+/g, ' ').trim();

// The span [lo, hi) in ms of a date as it is written; without zone UTC.
function span(text) {
	const m = /^(\d{4})(-\d\d)?(-\d\d)?(T\d\d:\d\d)?(:\d\d)?(\.\d+)?(.*)$/
	    .exec(text);
	const [, year, month, day, minute, second, fraction, zone] = m;
	const lo = Date.parse(`${year}${month ?? '-01'}${day ?? '-01'}` +
	    `${minute ?? 'T00:00'}${second ?? ':00'}${fraction ?? ''}` +
	    `${zone || 'Z'}`);
	const next = new Date(lo);

	if (month === undefined)
		next.setUTCFullYear(next.getUTCFullYear() + 1);
	else if (day === undefined)
		next.setUTCMonth(next.getUTCMonth() + 1);
	else
		next.setTime(lo + (minute === undefined ? DAY :
		    second === undefined ? 60000 :
			fraction === undefined ? 1000 : 1));
	return [lo, next.getTime()];
}

// R4 search.html#prefix: does a value [lo, hi] of a resource match the value
// [a, b] of a search? Of dates the ends do not belong to the spans, of numbers
// they do: `within` and `over` say what that makes of "ends with" and "meets".
const closed = { within: (x, y) => x <= y, over: (x, y) => x > y };
const open = { within: closed.within, over: (x, y) => x >= y };
const PREFIXES = {
	eq: (lo, hi, a, b) => lo >= a && hi <= b,
	ne: (lo, hi, a, b) => !(lo >= a && hi <= b),
	gt: (lo, hi, a, b) => hi > b,
	ge: (lo, hi, a, b) => hi > b || (lo >= a && hi <= b),
	lt: (lo, hi, a) => lo < a,
	le: (lo, hi, a, b) => lo < a || (lo >= a && hi <= b),
	sa: (lo, hi, a, b, ends) => ends.over(lo, b),
	eb: (lo, hi, a, b, ends) => ends.over(a, hi),
	ap: (lo, hi, a, b, ends) => !ends.over(lo, b) && !ends.over(a, hi),
};

// --- the values of a resource, by kind of parameter

const tokenOf = (coding, ...more) => ({ system: coding.system ?? '',
	code: coding.code, texts: texts(coding.display, ...more) });

function tokens(v) {
	if (typeof v !== 'object')
		return [{ system: '', code: String(v), texts: [] }];
	if (v.coding !== undefined || (v.text !== undefined &&
	    v.value === undefined && v.system === undefined))
		return [...list(v.coding).map((c) => tokenOf(c)),
			{ texts: texts(v.text) }];
	if (/^(phone|fax|email|pager|url|sms|other)$/.test(v.system) &&
	    v.code === undefined)		// a ContactPoint
		return [{ system: v.use ?? '', code: v.value, texts: [],
			isContact: true }];
	if (v.code !== undefined)		// a Coding
		return [tokenOf(v)];
	return [{ system: v.system ?? '', code: v.value ?? '', identifier: true,
		texts: texts(v.type?.text),
		types: v.value === undefined ? [] : list(v.type?.coding) }];
}

function strings(v) {
	if (typeof v === 'string')
		return [v];
	return texts(v.family, v.given, v.prefix, v.suffix, v.text, v.line,
	    v.city, v.district, v.state, v.postalCode, v.country);
}

// Only the outer limits of a schedule count. R4 search.html#date
function dates(v) {
	if (typeof v === 'string')
		return /^\d{4}(-|$)/.test(v) ? [span(v)] : [];
	if (v.start !== undefined || v.end !== undefined)
		return [[v.start === undefined ? -Infinity : span(v.start)[0],
			v.end === undefined ? Infinity : span(v.end)[1]]];
	const all = [...list(v.event).map(span),
		...list(v.repeat?.boundsPeriod).flatMap(dates)];
	return all.length === 0 ? [] : [[Math.min(...all.map((s) => s[0])),
		Math.max(...all.map((s) => s[1]))]];
}

// {type, id} of a record here, or the url of what is elsewhere.
function target(text, base) {
	const local = text.startsWith(`${base}/`) ?
	    text.slice(base.length + 1) : text;
	const m = /^([A-Z][A-Za-z]+)\/([^/]+)(\/_history\/[^/]+)?$/.exec(local);

	return m === null ? { url: text } : { type: m[1], id: m[2] };
}

function references(v, base) {
	if (typeof v === 'string')
		return [target(v, base)];
	const to = v.reference === undefined || v.reference.startsWith('#') ?
	    {} : target(v.reference, base);
	return [{ ...to, identifier: v.identifier }];
}

// The double next to x: upwards (1n) or downwards (-1n).
function next(x, way) {
	const double = new Float64Array([x]);
	const bits = new BigInt64Array(double.buffer);

	if (x === 0)
		return way > 0n ? Number.MIN_VALUE : -Number.MIN_VALUE;
	bits[0] += x > 0 ? way : -way;
	return double[0];
}

// "<5" is everything below 5. R4 datatypes.html#Quantity
function quantities(v) {
	const unit = { system: v.system, code: v.code, unit: v.unit };

	if (typeof v === 'number')
		return [{ lo: v, hi: v }];
	if (v.currency !== undefined)
		return [{ lo: v.value, hi: v.value, code: v.currency,
			system: 'urn:iso:std:iso:4217' }];
	if (v.low !== undefined || v.high !== undefined)
		return [{ system: (v.low ?? v.high).system,
			code: (v.low ?? v.high).code,
			unit: (v.low ?? v.high).unit,
			lo: v.low?.value ?? -Infinity,
			hi: v.high?.value ?? Infinity }];
	if (v.value === undefined)
		return [];
	const lo = /^</.test(v.comparator) ? -Infinity : v.value;
	const hi = /^>/.test(v.comparator) ? Infinity : v.value;
	return [{ ...unit, lo: v.comparator === '>' ? next(lo, 1n) : lo,
		hi: v.comparator === '<' ? next(hi, -1n) : hi }];
}

// Units of UCUM by their kind and power of ten; others are their own kind.
const UCUM = 'http://unitsofmeasure.org';
const UNITS = { kg: ['g', 3], g: ['g', 0], mg: ['g', -3], pg: ['g', -12],
	cm: ['m', -2], mm: ['m', -3], '10*3/uL': ['/uL', 3],
	'10*6/uL': ['/uL', 6], 'g/dL': ['g/L', 1], 'g/L': ['g/L', 0],
	'mg/dL': ['g/L', -2], 'ng/mL': ['g/L', -6], 'pg/mL': ['g/L', -9],
	'U/L': ['U/L', 0], 'kU/L': ['U/L', 3], '%': ['1', -2],
	'mg/g': ['1', -3] };
const unitOf = (code) => UNITS[code] ??
    (/^\{[^}]*\}$/.test(code) ? ['1', 0] : [code.replace(/\{.*?\}/g, ''), 0]);

// A quantity in the unit of another, by its digits; undefined when it is none.
function inUnitOf(w, v) {
	if (w.system !== v.system || w.code === undefined)
		return undefined;
	if (w.system !== UCUM)
		return w.code === v.code ? w : undefined;
	const [kind, power] = unitOf(w.code);
	const [other, ten] = unitOf(v.code);
	const scaled = (x) => Number.isFinite(x) ?
	    Number(`${x}e${power - ten}`) : x;
	return kind !== other ? undefined : power === ten ? w :
	    { ...w, lo: scaled(w.lo), hi: scaled(w.hi) };
}

module.exports = { inUnitOf, select, groups, fold, span, open, closed, PREFIXES, tokens,
	strings, dates, references, target, quantities };

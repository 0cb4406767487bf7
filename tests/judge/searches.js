// What can be searched, as a table: for each kind of parameter the forms that
// a search value has, made of a value that some record holds, with what it
// means. A form returns [modifier, value, test of a record's values] or
// nothing, when the value does not suit it. R4 search.html
//
// To judge another modifier or kind: a row in FORMS, and for a kind how its
// values are taken from what the FHIRPath selects, in VALUES.
'use strict';

const { COMPONENTS } = require('./composites');
const naive = require('./naive');

const { fold, span, PREFIXES } = naive;
const escaped = (text) => text.replace(/[\\,|$]/g, '\\$&');
const otherCase = (text) => text.toUpperCase();
const has = (text, of) => of.some((t) => fold(t).includes(fold(text)));

// Some characters of a text, from its beginning or from the middle.
function part(text, random, from = random.below(text.length)) {
	const all = [...text];

	return all.slice(from, from + 1 + random.below(all.length)).join('');
}

// A date near one end of a span, as precise as chance wants.
function dateNear([lo, hi], random) {
	const ends = [lo, hi].filter(Number.isFinite);
	const near = new Date(random.pick(ends) +
	    random.pick([0, 0, 0, -1, 1, -1000, 86400000, -86400000]));
	const text = near.toISOString();

	return random.pick([4, 7, 10, 10, 16, 19, 23].map((n) =>
	    text.slice(0, n) + (n > 10 && random.chance(0.5) ? 'Z' : '')));
}

function dateForm(prefix) {
	return (v, random) => {
		const text = dateNear(v, random);
		let [a, b] = span(text);

		if (prefix === 'ap') {
			const slack = Math.abs(Date.now() - a) / 10;
			[a, b] = [a - slack, b + slack];
		}
		return ['', (prefix === 'eq' && random.chance(0.5) ?
		    '' : prefix) + text, (all) => all.some(([lo, hi]) =>
			PREFIXES[prefix](lo, hi, a, b, naive.open))];
	};
}

// A number with digits to round to, and what they stand for: 100 is 99.5 to
// 100.5, 1.0 is 0.95 to 1.05, but 1e2 is 95 to 105. R4 search.html#number
function numberNear({ lo, hi }, random) {
	const ends = [lo, hi].filter(Number.isFinite);
	const x = random.pick(ends) * random.pick([1, 1, 1, 1.04, 0.96, 1.2]);
	const text = random.pick([x.toExponential(2), x.toFixed(2),
		Number(x.toPrecision(1 + random.below(4))).toString()]);
	const [, digits, exponent] = /^([^e]*)(?:e(.*))?$/.exec(text);
	const places = digits.split('.')[1]?.length ??
	    (exponent === undefined ? 0 : 1);
	const half = 0.5 * 10 ** (Number(exponent ?? 0) - places);

	return { text: text.replace('e+', 'e'), x: Number(text), half };
}

const NUMBER_TESTS = {
	eq: (v, { x, half }) => v.lo >= x - half && v.hi < x + half,
	ne: (v, { x, half }) => !(v.lo >= x - half && v.hi < x + half),
	gt: (v, { x }) => v.hi > x,
	ge: (v, { x }) => v.hi >= x,
	lt: (v, { x }) => v.lo < x,
	le: (v, { x }) => v.lo <= x,
	sa: (v, { x }) => v.lo > x,
	eb: (v, { x }) => v.hi < x,
	ap: (v, { x, half }) => {
		const slack = Math.max(Math.abs(x) / 10, half);
		return v.lo <= x + slack && v.hi >= x - slack;
	},
};

// On the edge of what a search asks for, doubles and decimals may differ.
function isOnEdge(v, { x, half }) {
	const slack = Math.max(Math.abs(x) / 10, half);

	return [x - half, x + half, x - slack, x + slack].some((edge) =>
	    [v.lo, v.hi].some((end) => end !== edge &&
		Math.abs(end - edge) <= Math.abs(edge) * 1e-12)) ||
	    [v.lo, v.hi].some((end) => Math.abs(end) === x + half);
}

// as(w, v) is w as it is compared, or undefined when it is not.
function numberForm(prefix, suffix, as) {
	return (v, random) => {
		const asked = numberNear(v, random);
		const tail = suffix(v);

		return tail === undefined || isOnEdge(v, asked) ? undefined :
		    ['', prefix + asked.text + tail, (all) => all.some((w) => {
			const it = as(w, v);
			return it && NUMBER_TESTS[prefix](it, asked);
		    })];
	};
}

const each = (prefixes, make) => Object.fromEntries(
    Object.keys(prefixes).map((p) => [p, make(p)]));

const isCanonical = (text, v) => v === text ||
    (!text.includes('|') && v?.split('|')[0] === text);

const referenceForm = (modifier, value, test) => ({ type, id }) =>
	id === undefined ? undefined : [modifier(type), value(type, id),
		test ?? ((all) => all.some((w) =>
		    w.id === id && w.type === type))];

// Of a component only forms without modifier, which it cannot have; and it
// wants a code.
function componentForm(kind, values, random) {
	if (values.length === 0)
		return undefined;
	const form = random.pick(Object.keys(FORMS[kind])
	    .filter((name) => name !== 'system|'));
	const made = FORMS[kind][form](random.pick(values), random);

	return made && made[0] === '' ? made : undefined;
}

function compositeForm(group, random) {
	const made = group.map(({ kind, values }) =>
	    componentForm(kind, values, random));

	return made.some((m) => !m) ? undefined :
	    ['', made.map((m) => m[1]).join('$'), (all) => all.some((g) =>
		made.every((m, i) => m[2](g[i].values)))];
}

const FORMS = {
	token: {
		code: ({ code }) => code && ['', escaped(code),
			(all) => all.some((w) => w.code === code)],
		'other case': ({ code }) => code && otherCase(code) !== code &&
			['', escaped(otherCase(code)), (all) => all.some(
			    (w) => w.code === otherCase(code))],
		'system|code': ({ system, code }) => system && code &&
			['', `${escaped(system)}|${escaped(code)}`,
				(all) => all.some((w) => w.code === code &&
				    w.system === system)],
		'|code': ({ code }) => code && ['', `|${escaped(code)}`,
			(all) => all.some((w) => w.code === code &&
			    w.system === '')],
		'system|': ({ system, isContact }) => system && !isContact &&
			['', `${escaped(system)}|`, (all) => all.some((w) =>
			    w.system === system)],
		':not': ({ code }) => code && [':not', escaped(code),
			(all) => !all.some((w) => w.code === code)],
		':text': ({ texts }, random) => {
			const text = texts[0] && part(texts[0], random);
			return text && fold(text) && [':text', escaped(text),
				(all) => has(text, all.flatMap((w) =>
				    w.texts))];
		},
		':of-type': ({ types, code: value }) => {
			const type = types?.[0];
			return type && [':of-type', [type.system ?? '',
				type.code, value].map(escaped).join('|'),
			(all) => all.some((w) => w.code === value &&
			    w.types?.some((t) => t.code === type.code &&
				t.system === type.system))];
		},
	},
	string: {
		beginning: (v, random) => {
			const text = part(v, random, 0);
			return fold(text) && ['', escaped(text), (all) =>
			    all.some((w) => fold(w).startsWith(fold(text)))];
		},
		':exact': (v) => [':exact', escaped(v),
			(all) => all.includes(v)],
		':exact, other case': (v) => otherCase(v) !== v &&
			[':exact', escaped(otherCase(v)),
				(all) => all.includes(otherCase(v))],
		':contains': (v, random) => {
			const text = part(v, random);
			return fold(text) && [':contains', escaped(text),
				(all) => has(text, all)];
		},
	},
	date: each(PREFIXES, dateForm),
	reference: {
		'Type/id': referenceForm(() => '', (type, id) =>
		    `${type}/${id}`),
		version: referenceForm(() => '', (type, id) =>
		    `${type}/${id}/_history/7`),
		':Type': referenceForm((type) => `:${type}`, (type, id) => id),
		id: ({ id }) => id && ['', id, (all) => all.some((w) =>
		    w.id === id)],
		url: ({ url }) => url && ['', escaped(url), (all) =>
		    all.some((w) => isCanonical(url, w.url))],
		'without version': ({ url }) => url?.includes('|') &&
			['', url.split('|')[0], (all) => all.some((w) =>
			    isCanonical(url.split('|')[0], w.url))],
		':identifier': ({ identifier: i }) => i?.value && [
			':identifier', (i.system ?
			    `${escaped(i.system)}|` : '') + escaped(i.value),
			(all) => all.some((w) =>
				w.identifier?.value === i.value && (!i.system ||
				    w.identifier.system === i.system))],
	},
	uri: {
		whole: (v) => ['', escaped(v), (all) => all.some((w) =>
		    isCanonical(v, w))],
		longer: (v) => ['', escaped(`${v}/x`), (all) => all.some((w) =>
		    isCanonical(`${v}/x`, w))],
	},
	number: each(NUMBER_TESTS, (p) => numberForm(p, () => '', (w) => w)),
	quantity: {
		...each(NUMBER_TESTS, (p) => numberForm(p, () => '',
		    (w) => w)),
		...Object.fromEntries(['eq', 'ge', 'lt'].flatMap((p) => [
			[`${p} of a code`, numberForm(p, (v) => v.system &&
			    v.code &&
				`|${escaped(v.system)}|${escaped(v.code)}`,
			naive.inUnitOf)],
			[`${p} of a unit`, numberForm(p, (v) => v.unit &&
			    `||${escaped(v.unit)}`, (w, v) =>
			    (w.unit === v.unit || w.code === v.unit) && w)],
		])),
	},
	composite: Object.fromEntries([0, 1, 2].map((i) =>
	    [`components ${i}`, compositeForm])),
	// Columns, which are never missing.
	_id: { whole: (v) => ['', v, (all) => all[0] === v] },
	// What is about now when it is asked is not when it is judged.
	_lastUpdated: { ...each(PREFIXES, dateForm), ap: undefined },
};

const VALUES = {
	token: naive.tokens, string: naive.strings, date: naive.dates,
	reference: naive.references, uri: (v) => [v],
	number: naive.quantities, quantity: naive.quantities,
};

class Searches {
	// expressions: {type: {code: FHIRPath}}; kinds: {type: {code: kind}};
	// base: our FHIR base.
	constructor(expressions, kinds, base) {
		Object.assign(this, { expressions, kinds, base });
		this.known = new WeakMap();
	}

	// The values of a resource for a parameter; nothing: it is missing.
	values(resource, code) {
		const type = resource.resourceType;
		let known = this.known.get(resource);

		if (known === undefined)
			this.known.set(resource, known = new Map());
		if (!known.has(code))
			known.set(code, this.take(resource, type, code));
		return known.get(code);
	}

	take(resource, type, code) {
		const kind = this.kinds[type][code];

		if (code === '_id')
			return [resource.id];
		if (code === '_lastUpdated')
			return [span(resource.meta.lastUpdated)];
		if (kind === 'composite')
			return this.groups(resource, type, code);
		return naive.select(this.expressions[type][code], resource)
		    .flatMap((v) => VALUES[kind](v, this.base));
	}

	// The values of each component, by the element on which it stands; an
	// element without one of them is none.
	groups(resource, type, code) {
		return naive.groups(this.expressions[type][code], resource,
		    COMPONENTS[code].map(([, path]) => path))
		    .map((components) => components.map((values, i) => {
			const kind = COMPONENTS[code][i][0];
			return { kind, values: values.flatMap((v) =>
			    VALUES[kind](v, this.base)) };
		}));
	}

	forms(type, code) {
		return FORMS[code] ?? FORMS[this.kinds[type][code]];
	}

	// Of a form: the search of the value v, or undefined.
	make(type, code, form, v, random) {
		const made = this.forms(type, code)[form]?.(v, random);

		if (!made)
			return undefined;
		const [modifier, value, test] = made;
		return { type, form: `${type}.${code} ${form}`,
			name: code + modifier, value,
			query: `${code}${modifier}=` +
			    encodeURIComponent(value),
			test: (resource) => test(this.values(resource, code)) };
	}

	// Columns are never missing, and a composite has no values of its own.
	missing(type, code, is) {
		if (FORMS[code] !== undefined ||
		    this.kinds[type][code] === 'composite')
			return undefined;
		return { type, form: `${type}.${code} :missing`,
			query: `${code}:missing=${is}`,
			test: (resource) =>
			    (this.values(resource, code).length === 0) === is };
	}
}

const or = (a, b) => ({ type: a.type, form: `${a.form}, OR`,
	query: `${a.name}=${encodeURIComponent(`${a.value},${b.value}`)}`,
	test: a.name.endsWith(':not') ? (r) => a.test(r) && b.test(r) :
	    (r) => a.test(r) || b.test(r) });

const and = (a, b) => ({ type: a.type, form: `${a.form}, AND`,
	query: `${a.query}&${b.query}`,
	test: (r) => a.test(r) && b.test(r) });

module.exports = { Searches, FORMS, or, and };

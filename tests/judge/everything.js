// Resources in which every element of R4 is present, so that every search
// parameter has something to select: made from the judge's own model of R4,
// not from our tables. Of choice elements each variant has another one.
'use strict';

const r4 = require('fhirpath/fhir-context/r4');

// More choices than any element that is searched has.
const VARIANTS = 12;
const DEPTH = 7;		// of elements below a resource
const OMITTED = new Set(['extension', 'modifierExtension', 'contained',
	'comparator', 'assigner', 'implicitRules']);
const NARRATIVE = 'DomainResource.text';
const TARGETS = ['Patient', 'Practitioner', 'Location', 'RelatedPerson',
	'Group'];
const RELATED = ['composed-of', 'depends-on', 'derived-from', 'predecessor',
	'successor'];

// Path of a type or structure -> names of its members.
const members = new Map();
for (const path of [...Object.keys(r4.path2Type),
	...Object.keys(r4.pathsDefinedElsewhere)]) {
	const dot = path.lastIndexOf('.');
	const parent = path.slice(0, dot);
	if (dot > 0)
		members.set(parent, [...members.get(parent) ?? [],
			path.slice(dot + 1)]);
}

// Path of a choice member ("Observation.valueQuantity") -> [its place among
// the choices, how many there are].
const choices = new Map();
for (const [path, types] of Object.entries(r4.choiceTypePaths))
	types.forEach((type, i) => choices.set(path + type,
	    [i, types.length]));

let counter = 0;

function primitive(path, type, variant) {
	const n = ++counter;

	switch (type) {
	case 'boolean':
		return n % 2 === 0;
	case 'integer': case 'positiveInt': case 'unsignedInt':
		return n;
	case 'decimal':
		return n + 0.5;
	case 'date': case 'dateTime':
		return `2020-${String(n % 12 + 1).padStart(2, '0')}-15`;
	case 'instant':
		return `2020-01-15T00:00:${String(n % 60).padStart(2, '0')}Z`;
	case 'time':
		return '12:00:00';
	case 'uri': case 'url': case 'canonical': case 'oid':
		return `http://example.org/${n}`;
	default:
		if (path === 'ContactPoint.system')
			return ['phone', 'email'][variant % 2];
		if (path === 'RelatedArtifact.type')
			return RELATED[variant % RELATED.length];
		if (path === 'Reference.reference')
			return `${TARGETS[variant % TARGETS.length]}/x${n}`;
		return `${type} ${n}`;
	}
}

function value(path, variant, depth) {
	const type = r4.path2Type[path];
	const elsewhere = r4.pathsDefinedElsewhere[path];

	if (elsewhere !== undefined)
		return object(elsewhere, variant, depth);
	if (type === 'BackboneElement' || type === 'Element')
		return object(path, variant, depth);
	if (type === 'Resource')
		return { resourceType: 'Basic', id: `x${++counter}` };
	if (!/^[A-Z]/.test(type) || type.startsWith('System.'))
		return primitive(path, type, variant);
	return object(type, variant, depth);
}

function* ancestry(path) {
	for (let at = path; at !== undefined; at = r4.type2Parent[at])
		yield at;
}

function object(path, variant, depth) {
	const out = {};

	if (depth > DEPTH)
		return undefined;
	for (const owner of ancestry(path))
		for (const name of members.get(owner) ?? []) {
			const member = `${owner}.${name}`;
			const [place, count] = choices.get(member) ?? [0, 1];
			if (OMITTED.has(name) || member === NARRATIVE ||
			    name in out || variant % count !== place)
				continue;
			const many = r4.path2Repeating[member] === true;
			const times = many && depth < 3 ? 2 : 1;
			const list = Array.from({ length: times }, () =>
			    value(member, variant, depth + 1))
			    .filter((v) => v !== undefined);
			if (list.length > 0)
				out[name] = many ? list : list[0];
		}
	return Object.keys(out).length > 0 ? out : undefined;
}

// A bundle of all variants of a type.
function everything(type) {
	const entry = Array.from({ length: VARIANTS }, (_, variant) => ({
		resource: { resourceType: type, ...object(type, variant, 1) } }));

	return { resourceType: 'Bundle', type: 'collection', entry };
}

module.exports = { everything };

// Searches through references, as R4 describes them: chains and _has, made of
// what records refer to, and compartments. R4 search.html#chaining, #has,
// compartmentdefinition.html
'use strict';

// By which parameters a record is in its owner's compartment; an owner is in
// its own. Of the types that resources.js writes.
const COMPARTMENTS = {
	Patient: { Patient: ['link'], Condition: ['patient', 'asserter'],
		Encounter: ['patient'], Observation: ['subject', 'performer'],
		MedicationRequest: ['subject'],
		Procedure: ['patient', 'performer'],
		DiagnosticReport: ['subject'], RiskAssessment: ['subject'] },
	Encounter: { Encounter: [], Condition: ['encounter'],
		Observation: ['encounter'], MedicationRequest: ['encounter'],
		Procedure: ['encounter'], DiagnosticReport: ['encounter'] },
	Practitioner: { Practitioner: [], Condition: ['asserter'],
		DiagnosticReport: ['performer'],
		Encounter: ['practitioner', 'participant'],
		MedicationRequest: ['requester'], Observation: ['performer'],
		Patient: ['general-practitioner'], Procedure: ['performer'],
		RiskAssessment: ['performer'] },
};

// A parameter of one target type needs no type in a chain.
const ALONE = ['patient', 'encounter'];
const DEPTH = 3;

const keyOf = ({ type, id }) => `${type}/${id}`;

class Links {
	// anySearch(resource, random): a search that may find it.
	constructor(searches, records, anySearch) {
		Object.assign(this, { searches, records, anySearch });
		this.byKey = new Map(records.map((r) =>
		    [`${r.resourceType}/${r.id}`, r]));
		this.referring = new Map();
		for (const record of records)
			for (const { code, to } of this.links(record))
				this.referring.set(keyOf(to), [
					...this.referring.get(keyOf(to)) ?? [],
					{ code, from: record }]);
	}

	// What a record refers to, and by which parameters; canonicals do not.
	links(record) {
		const kinds = this.searches.kinds[record.resourceType];

		return Object.keys(kinds).flatMap((code) =>
		    kinds[code] !== 'reference' ? [] : this.searches
			.values(record, code).filter((to) => 'identifier' in to &&
			    to.id !== undefined).map((to) => ({ code, to })));
	}

	refersBy(record, code, test) {
		return this.links(record).some((l) => l.code === code &&
		    test(l.to));
	}

	// Another search of what is at the other end, itself through links.
	inner(resource, random, depth) {
		return depth < DEPTH && random.chance(0.3) ?
		    this.make(resource, random, depth) :
		    this.anySearch(resource, random);
	}

	chain(resource, random, depth) {
		const { code, to } = random.pick(this.links(resource)
		    .filter((l) => this.byKey.has(keyOf(l.to))));
		const inner = this.inner(this.byKey.get(keyOf(to)), random,
		    depth + 1);
		const typed = !ALONE.includes(code) || random.chance(0.5);
		const of = typed ? `:${to.type}` : '';

		return inner && { type: resource.resourceType,
			form: `chain, ${inner.form}`,
			query: `${code}${of}.${inner.query}`,
			test: (r) => this.refersBy(r, code, (t) =>
			    t.type === to.type && this.byKey.has(keyOf(t)) &&
			    inner.test(this.byKey.get(keyOf(t)))) };
	}

	reverse(resource, random, depth) {
		const type = resource.resourceType;
		const { code, from } = random.pick(this.referring
		    .get(`${type}/${resource.id}`));
		const inner = this.inner(from, random, depth + 1);

		return inner && { type, form: `_has, ${inner.form}`,
			query: `_has:${from.resourceType}:${code}:${inner.query}`,
			test: (r) => (this.referring.get(`${type}/${r.id}`) ?? [])
			    .some((l) => l.code === code && l.from.resourceType ===
				from.resourceType && inner.test(l.from)) };
	}

	// A chain or a _has that may find the resource; undefined: it has none.
	make(resource, random, depth = 0) {
		const key = `${resource.resourceType}/${resource.id}`;
		const ways = [];

		if (this.links(resource).some((l) => this.byKey.has(keyOf(l.to))))
			ways.push('chain');
		if (this.referring.has(key))
			ways.push('reverse');
		return ways.length === 0 ? undefined :
		    this[random.pick(ways)](resource, random, depth);
	}

	// A compartment that has or may have the resource, and a search in it.
	within(resource, random) {
		const type = resource.resourceType;
		const owner = random.pick(Object.keys(COMPARTMENTS)
		    .filter((o) => COMPARTMENTS[o][type] !== undefined));
		const by = owner && COMPARTMENTS[owner][type];
		const inner = this.anySearch(resource, random);
		const owned = (r) => [...by.flatMap((code) =>
		    this.searches.values(r, code)),
		...owner === type ? [{ type, id: r.id }] : []]
		    .filter((t) => t.type === owner && t.id !== undefined);
		const id = by && owned(resource)[0]?.id;

		return inner && id && { type, path: `${owner}/${id}/${type}`,
			form: `compartment, ${inner.form}`, query: inner.query,
			test: (r) => owned(r).some((t) => t.id === id) &&
			    inner.test(r) };
	}
}

module.exports = { Links };

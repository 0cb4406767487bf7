// Judge of the search key extraction: does every search parameter select from
// real resources what another FHIRPath engine (npm's fhirpath) selects?
//
//   node fhirpath.js TOOL_EXTRACT FILE..
//
// Prints each difference and a summary; fails when there is a difference.
// Rewritten before the engine reads an expression, because FHIRPath and R4's
// parameters disagree there:
//   "as" takes one item, the parameters mean each: ofType()
//   "|" compares quantities, and fails where it cannot: parts one by one
//   resolve() would fetch: refersTo() decides by the reference alone, as the
//   server must
// Values that a kind of search has no meaning for are not selected by us
// (R4 search.html#table): texts and ages as dates, attachments as references.
'use strict';

const fs = require('fs');
const { execFileSync, spawn } = require('child_process');
const readline = require('readline');
const fhirpath = require('fhirpath');
const r4 = require('fhirpath/fhir-context/r4');

const [tool, ...files] = process.argv.slice(2);

function refersTo(nodes, type, resource) {
	return nodes.map((node) => node.data ?? node).filter((r) => {
		if (r.reference?.startsWith('#'))
			return (resource.contained ?? []).some((c) =>
			    c.id === r.reference.slice(1) &&
			    c.resourceType === type);
		const m = /([A-Z][A-Za-z]+)\/[^/]+(\/_history\/[^/]+)?$/
		    .exec(r.reference ?? '');
		return (m !== null && known.has(m[1]) ? m[1] : r.type) === type;
	}).length > 0;
}

let current;	// the resource that is being judged
const options = { userInvocationTable: { refersTo: {
	fn: (nodes, type) => [refersTo(nodes, type, current)],
	arity: { 1: ['String'] } } } };

const rewrite = (expression) => expression
    .replace(/\(([\w.]+) as (\w+)\)/g, '$1.ofType($2)')
    .replace(/\.as\((\w+)\)/g, '.ofType($1)')
    .replace(/resolve\(\) is (\w+)/g, "refersTo('$1')");

const params = JSON.parse(execFileSync(tool, ['-p'],
    { maxBuffer: 1 << 26 }));
const known = new Set(Object.keys(params));
const compiled = new Map();

function select(type, code, resource) {
	const key = `${type} ${code}`;
	const expression = params[type][code];

	if (expression === '')
		return [];
	if (!compiled.has(key))
		compiled.set(key, rewrite(expression).split(' | ')
		    .map((part) => fhirpath.compile(part, r4, options)));
	current = resource;
	return compiled.get(key).flatMap((part) => part(resource))
	    .filter((v) => v !== null && v !== undefined);
}

// What our extraction leaves out by design: kind of parameter is known by
// what else it selects.
const isDate = (v) => typeof v === 'string' ? /^\d{4}(-|$)/.test(v) :
    !('value' in v || 'low' in v || 'high' in v);
const DATES = new Set(['CarePlan activity-date', 'Immunization date',
	'Procedure date']);

function meaningful(type, code, values) {
	if (DATES.has(`${type} ${code}`))
		return values.filter(isDate);
	if (type === 'Consent' && code === 'source-reference')
		return values.filter((v) => 'reference' in v ||
		    'identifier' in v || 'display' in v);
	return values;
}

// A primitive without a value has only extensions: nothing to select.
const set = (values) => new Set(values.map((v) => JSON.stringify(v)));

const totals = { resources: 0, values: 0, differences: 0 };
const seen = new Set();

function difference(line, code, ours, theirs) {
	totals.differences++;
	console.log(`${line.file} ${line.entry} ${line.type} ${code}`);
	console.log(`  ours   ${[...ours].join(' ').slice(0, 300)}`);
	console.log(`  theirs ${[...theirs].join(' ').slice(0, 300)}`);
}

function judge(line, resource) {
	totals.resources++;
	for (const [code, values] of Object.entries(line.values)) {
		const ours = set(values.map((v) => v[1]));
		const theirs = set(meaningful(line.type, code,
		    select(line.type, code, resource)));
		totals.values += ours.size;
		if (ours.size > 0)
			seen.add(`${line.type} ${code}`);
		if (ours.size !== theirs.size ||
		    [...ours].some((v) => !theirs.has(v)))
			difference(line, code, ours, theirs);
	}
}

async function main() {
	const child = spawn(tool, files,
	    { stdio: ['ignore', 'pipe', 'inherit'] });
	let file, content;

	for await (const text of readline.createInterface(child.stdout)) {
		const line = JSON.parse(text);
		if (line.file !== file) {
			file = line.file;
			content = JSON.parse(fs.readFileSync(file));
		}
		judge(line, line.entry < 0 ? content :
		    content.entry[line.entry].resource);
	}
	console.log(`fhirpath: ${totals.resources} resources, ` +
	    `${totals.values} values of ${seen.size} parameters (by type) ` +
	    `compared, ${totals.differences} differences`);
	process.exitCode = totals.differences > 0 || totals.values === 0 ? 1 : 0;
}

main();

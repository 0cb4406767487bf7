// Judge of the search key extraction: does every search parameter select from
// real resources what another FHIRPath engine (npm's fhirpath) selects?
//
//   node fhirpath.js TOOL_EXTRACT [FILE..]
//
// Without files: resources of every type with every element (everything.js),
// of which each parameter must select something; the project's own bundles;
// and, where there are any, the archives of HL7's examples and of Synthea in
// SHARED_DATA (../shared/data).
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
const os = require('os');
const path = require('path');
const { execFileSync, spawn } = require('child_process');
const readline = require('readline');
const fhirpath = require('fhirpath');
const r4 = require('fhirpath/fhir-context/r4');
const { COMPONENTS } = require('./composites');
const { everything } = require('./everything');

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

const SYNTHEA_BUNDLES = 10;
const totals = { resources: 0, values: 0, differences: 0 };
const seen = new Set();

function difference(line, code, ours, theirs) {
	totals.differences++;
	console.log(`${line.file} ${line.entry} ${line.type} ${code}`);
	console.log(`  ours   ${[...ours].join(' ').slice(0, 300)}`);
	console.log(`  theirs ${[...theirs].join(' ').slice(0, 300)}`);
}

// The components of one group of a composite.
function judgeGroup(line, code, resource, [, group, ...components]) {
	const paths = params[line.type][code].split(' | ')
	    .filter((p) => p.split('.')[0] === line.type);
	const base = 'resourceType' in group ? line.type :
	    paths.find((p) => p !== line.type);

	COMPONENTS[code].forEach(([, expression], i) => {
		const ours = set(components[i].map((v) => v[1]));
		const theirs = set(expression.split(' | ').flatMap((part) =>
		    fhirpath.evaluate(group, { base, expression: part },
			{ resource }, r4)));
		totals.values += ours.size;
		if (ours.size !== theirs.size ||
		    [...ours].some((v) => !theirs.has(v)))
			difference(line, `${code} ${expression}`, ours, theirs);
	});
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
		values.filter(([kind]) => kind === 'group').forEach((v) =>
		    judgeGroup(line, code, resource, v));
	}
}

// The JSON files of an archive, unpacked into dir.
function unpack(archive, dir) {
	if (!fs.existsSync(archive)) {
		console.log(`SKIP ${archive}: not there`);
		return [];
	}
	const into = fs.mkdtempSync(path.join(dir, 'files-'));
	execFileSync('tar', ['-xJf', archive, '-C', into]);
	return fs.readdirSync(into, { recursive: true })
	    .filter((name) => name.endsWith('.json'))
	    .map((name) => path.join(into, name));
}

function everyType(dir) {
	return Object.keys(params).map((type) => {
		const file = path.join(dir, `${type}.json`);
		fs.writeFileSync(file, JSON.stringify(everything(type)));
		return file;
	});
}

function defaultFiles(dir) {
	const top = path.join(__dirname, '../..');
	const shared = process.env.SHARED_DATA ??
	    path.join(top, '../shared/data');
	const own = ['sql/seed', 'tests/data/bundle'].flatMap((folder) =>
	    fs.readdirSync(path.join(top, folder))
	    .filter((name) => name.endsWith('.json'))
	    .map((name) => path.join(top, folder, name)));

	return [...everyType(dir), ...own,
		...unpack(path.join(shared, 'r4-examples.tar.xz'), dir),
		...unpack(path.join(shared, 'synthea.tar.xz'), dir)
		    .sort().slice(0, SYNTHEA_BUNDLES)];
}

async function compare(list) {
	const child = spawn(tool, list,
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

// Parameters of which nothing was ever selected.
function unseen() {
	return Object.entries(params).flatMap(([type, codes]) =>
	    Object.keys(codes).filter((code) => codes[code] !== '')
	    .map((code) => `${type} ${code}`)).filter((key) => !seen.has(key));
}

async function main() {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'judge-'));

	try {
		await compare(files.length > 0 ? files : defaultFiles(dir));
		if (files.length === 0 && unseen().length > 0) {
			console.log(`not compared: ${unseen().join(', ')}`);
			process.exitCode = 1;
		}
	} finally {
		fs.rmSync(dir, { recursive: true });
	}
}

main();

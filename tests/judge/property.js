// A property of the store: whatever clients write at the same time, every
// search finds what a naive evaluation (naive.js) finds, no more and no less.
//
//   STACK_ENV=run/env SEED=1 ROUNDS=1 SEARCHES=4000 node property.js TOOL
//
// A round has a tenant of its own. Clients create, change and delete random
// records (resources.js) side by side, some of them the same, while others
// search and judge what they get. Then every record is read back, and every
// form of search (searches.js) of every parameter in the CapabilityStatement
// is compared. With SYNTHEA=n, n real patients of SHARED_DATA are in it, too.
// TOOL is tool_extract, which tells the parameters' FHIRPaths. The seed is
// printed; the same seed makes the same requests, though not at the same time.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Random } = require('./random');
const { Resources, TYPES } = require('./resources');
const { Links } = require('./links');
const { Searches, FORMS, or, and } = require('./searches');
const { Server, env } = require('./server');

const number = (name, otherwise) => Number(process.env[name] || otherwise);

const SEED = number('SEED', Date.now() % 1000000);
const ROUNDS = number('ROUNDS', 1);
const SEARCHES = number('SEARCHES', 4000);
const SYNTHEA = number('SYNTHEA', 0);
const WRITERS = 6;
const READERS = 2;
const RECORDS = 25;		// of a writer and type
const WRITES = 120;		// of a writer
const CLIENTS = 8;		// that compare
const TOLD = 20;		// differences that are shown
const BASE = env.FHIR_URL;

// --- what went wrong

const failures = [];

function failed(what) {
	failures.push(what);
	if (failures.length <= TOLD)
		console.log(`FAILED ${what}`);
}

// --- writing

// What the records should be at the end: by "Type/id" the body of the last
// write (undefined: deleted), of records of several writers by its version.
class Ledger {
	constructor() {
		this.last = new Map();
	}

	note(key, body, version = 0) {
		if (version >= (this.last.get(key)?.version ?? 0))
			this.last.set(key, { version, body });
	}
}

class Writer {
	constructor(server, ledger, random, name, shared) {
		const own = Object.fromEntries([...new Set(TYPES)].map((type) =>
		    [type, Array.from({ length: RECORDS }, (_, i) =>
			`${name}-${i}`)]));

		Object.assign(this, { server, ledger, random, own, shared });
		this.resources = new Resources(random, BASE, own);
	}

	refused(answer, what) {
		failed(`${answer.status} of ${what}: ` +
		    JSON.stringify(answer.json?.issue ?? answer.json));
	}

	async put(type, id, headers) {
		const body = this.resources.make(type, id);
		const answer = await this.server.ask('PUT', `/${type}/${id}`,
		    body, headers);

		if (answer.status === 412 && headers !== undefined)
			return;
		if (answer.status !== 200 && answer.status !== 201)
			this.refused(answer, JSON.stringify(body));
		else
			this.ledger.note(`${type}/${id}`, body,
			    Number(answer.json.meta.versionId));
	}

	async post(type) {
		const body = this.resources.make(type, undefined);
		const answer = await this.server.ask('POST', `/${type}`, body);

		if (answer.status !== 201)
			this.refused(answer, JSON.stringify(body));
		else
			this.ledger.note(`${type}/${answer.json.id}`, body);
	}

	// Of its own records alone: the answer does not tell the version.
	async delete(type, id) {
		const key = `${type}/${id}`;
		const answer = await this.server.ask('DELETE', `/${key}`);

		if (answer.status !== 204)
			this.refused(answer, `DELETE ${key}`);
		else
			this.ledger.last.delete(key);
	}

	// Several of its own records together, all or none.
	async transaction() {
		const places = new Map(this.random.list(2, 5, () => {
			const type = this.random.pick(TYPES);
			const id = this.random.pick(this.own[type]);
			return [`${type}/${id}`, [type, id]];
		}));
		const entry = [...places].map(([url, [type, id]]) => ({
			resource: this.resources.make(type, id),
			request: { method: 'PUT', url } }));
		const answer = await this.server.ask('POST', '',
		    { resourceType: 'Bundle', type: 'transaction', entry });

		if (answer.status !== 200)
			this.refused(answer, 'a transaction');
		else
			entry.forEach(({ resource, request }) => {
				this.ledger.last.delete(request.url);
				this.ledger.note(request.url, resource);
			});
	}

	async step() {
		const { random } = this;
		const type = random.pick(TYPES);
		const id = random.pick(this.own[type]);
		const what = random.next();

		if (what < 0.45)
			await this.put(type, id);
		else if (what < 0.6)
			await this.put(type, random.pick(this.shared));
		else if (what < 0.65)
			await this.put(type, id, { 'if-match': 'W/"1"' });
		else if (what < 0.75)
			await this.post(type);
		else if (what < 0.88)
			await this.delete(type, id);
		else
			await this.transaction();
	}
}

// --- judging

// What was sent is what is stored, but for what the server says of it.
function plain({ meta: { versionId, lastUpdated, ...meta } = {}, ...rest }) {
	const sorted = (o) => Object.keys(o).sort().map((k) => [k, o[k]]);

	return JSON.stringify([sorted(meta), sorted({ ...rest, id: '' })]);
}

function compareWithLedger(ledger, records) {
	const found = new Map(records.map((r) =>
	    [`${r.resourceType}/${r.id}`, r]));

	for (const [key, { body }] of ledger.last)
		if (!found.has(key))
			failed(`${key} was written, but is not there`);
		else if (plain(found.get(key)) !== plain(body))
			failed(`${key} is ${plain(found.get(key))}, but was ` +
			    `written as ${plain(body)}`);
	for (const key of found.keys())
		if (!ledger.last.has(key))
			failed(`${key} is there, but was deleted or never was`);
}

// A search of the given resources: any form of any parameter that suits.
function anySearch(searches, resources, random) {
	const some = random.pick(resources);
	const type = some.resourceType;
	const code = random.pick(Object.keys(searches.kinds[type]));
	const values = searches.values(some, code);

	if (values.length === 0)
		return searches.missing(type, code, random.chance(0.5));
	return searches.make(type, code,
	    random.pick(Object.keys(searches.forms(type, code))),
	    random.pick(values), random);
}

// While others write, every resource that is found matches what was asked:
// its keys and its body are of one version.
async function read(server, searches, sample, random, state) {
	while (state.writing) {
		const search = sample.length > 0 ?
		    anySearch(searches, sample, random) : undefined;
		const answer = search === undefined ?
		    await server.search(random.pick(TYPES), '_count=200') :
		    await server.search(search.type, `${search.query}&_count=` +
			random.pick([7, 1000]));

		if (answer.status !== 200) {
			failed(`${answer.status} of ${search?.query}`);
			continue;
		}
		state.searches++;
		if (sample.length < 500)
			sample.push(...answer.found);
		for (const resource of answer.found)
			if (search !== undefined && !search.test(resource))
				failed(`${search.type}?${search.query} finds ` +
				    JSON.stringify(resource));
		// One that was changed may be met again on a later page.
		const keys = answer.found.map((r) =>
		    `${r.id} ${r.meta.versionId}`);
		if (new Set(keys).size !== keys.length)
			failed(`${search?.query}: a version is found twice`);
	}
}

// Every form of every parameter, twice or more often, until there are enough.
function allSearches(searches, records, random) {
	const byType = Map.groupBy?.(records, (r) => r.resourceType) ??
	    groups(records);
	const made = new Map();
	const add = (search) => search && made.set(
	    `${search.type}?${search.query}`, search);

	for (const [type, resources] of byType)
		for (const code of Object.keys(searches.kinds[type])) {
			const values = resources.flatMap((r) =>
			    searches.values(r, code));
			add(searches.missing(type, code, true));
			add(searches.missing(type, code, false));
			for (const form of Object.keys(searches.forms(type,
			    code)))
				for (let i = 0; i < 6 && values.length > 0; i++)
					add(searches.make(type, code, form,
					    random.pick(values), random));
		}
	const list = random.shuffle([...made.values()]);
	for (let i = 1; i < list.length && made.size < SEARCHES; i++)
		addPair(add, list[i], anySearch(searches,
		    byType.get(list[i].type), random), random);
	return random.shuffle([...made.values()]).slice(0, SEARCHES);
}

function addPair(add, a, b, random) {
	if (b === undefined || b.name === undefined || a.name === undefined)
		return;
	add(a.name === b.name && random.chance(0.7) ? or(a, b) : and(a, b));
}

function groups(records) {
	const out = new Map();

	for (const record of records)
		out.set(record.resourceType,
		    [...out.get(record.resourceType) ?? [], record]);
	return out;
}

// Through references, and within compartments.
function linkSearches(searches, records, random) {
	const links = new Links(searches, records, (resource) =>
	    anySearch(searches, [resource], random));
	const made = [];

	for (let i = 0; i < SEARCHES / 4 && records.length > 0; i++)
		made.push(random.chance(0.7) ?
		    links.make(random.pick(records), random) :
		    links.within(random.pick(records), random));
	return made.filter((search) => search);
}

const idsOf = (resources) => resources.map((r) => r.id).sort();
const without = (a, b) => a.filter((x) => !b.includes(x));

async function compare(server, search, records, random) {
	const where = search.path ?? search.type;
	const answer = await server.search(where, `${search.query}&` +
	    `_count=${random.pick([1000, 1000, 13])}`);

	if (answer.status !== 200) {
		failed(`${answer.status} of ${where}?${search.query}: ` +
		    JSON.stringify(answer.json));
		return;
	}
	const ours = idsOf(answer.found);
	const naive = idsOf(records.filter((r) => search.test(r)));
	if (ours.join() !== naive.join())
		failed(`${where}?${search.query} (${search.form})\n` +
		    `  not found: ${without(naive, ours).slice(0, 5)}\n` +
		    `  found, but should not: ` +
		    `${without(ours, naive).slice(0, 5)}\n` +
		    (new Set(ours).size !== ours.length ? '  twice\n' : ''));
}

// --- a round

// Some workers take what is in a list, one after the other.
const share = (n, list, work) => Promise.all(Array.from({ length: n },
    async () => {
	for (let one = list.pop(); one !== undefined; one = list.pop())
		await work(one);
}));

function* syntheaBundles(n) {
	const archive = path.join(process.env.SHARED_DATA ??
	    path.join(__dirname, '../../../shared/data'), 'synthea.tar.xz');

	if (n === 0 || !fs.existsSync(archive)) {
		console.log(`SKIP real patients: ${n === 0 ? 'SYNTHEA=0' :
		    `no ${archive}`}`);
		return;
	}
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'property-'));
	try {
		execFileSync('tar', ['-xJf', archive, '-C', dir]);
		const files = fs.readdirSync(dir, { recursive: true })
		    .filter((f) => f.endsWith('.json')).sort().slice(0, n);
		for (const file of files)
			yield fs.readFileSync(path.join(dir, file), 'utf8');
	} finally {
		fs.rmSync(dir, { recursive: true });
	}
}

async function write(server, ledger, searches, seed) {
	const shared = Array.from({ length: 4 }, (_, i) => `shared-${i}`);
	const writers = Array.from({ length: WRITERS }, (_, n) => new Writer(
	    server, ledger, new Random(seed + n), `w${n}`, shared));
	const state = { writing: true, searches: 0 };
	const readers = Array.from({ length: READERS }, (_, i) => read(server,
	    searches, [], new Random(seed + 1000 + i), state));

	try {
		await Promise.all(writers.map(async (writer) => {
			for (let i = 0; i < WRITES; i++)
				await writer.step();
		}));
	} finally {
		state.writing = false;
	}
	await Promise.all(readers);
	return state.searches;
}

async function readBack(server, types) {
	const records = [];

	await share(CLIENTS, [...types], async (type) => {
		const answer = await server.search(type, '_count=1000');
		if (answer.status !== 200)
			failed(`${answer.status} of all ${type}`);
		records.push(...(answer.found ?? []));
	});
	return records;
}

async function round(seed, expressions, kinds) {
	const begin = Date.now();
	const server = await Server.begin(`property-${seed}-${begin}`);
	const searches = new Searches(expressions, kinds, BASE);
	const ledger = new Ledger();
	const meanwhile = await write(server, ledger, searches, seed);
	const types = new Set(TYPES);

	compareWithLedger(ledger, await readBack(server, types));
	for (const bundle of syntheaBundles(SYNTHEA)) {
		const answer = await server.ask('POST', '', bundle);
		if (answer.status !== 200)
			failed(`${answer.status} of a real patient`);
		JSON.parse(bundle).entry.forEach((e) =>
		    types.add(e.resource.resourceType));
	}
	const records = await readBack(server, types);
	const byType = groups(records);
	const random = new Random(seed + 2000);
	const all = [...linkSearches(searches, records, random),
		...allSearches(searches, records, random)];
	const n = all.length;
	const forms = new Set(all.map((search) => search.form)).size;
	await share(CLIENTS, all, (search) => compare(server, search,
	    byType.get(search.type), random));
	console.log(`property: ${records.length} records of ${byType.size} ` +
	    `types, ${meanwhile} searches beside writes, ${n} searches of ` +
	    `${forms} forms compared, ` +
	    `${((Date.now() - begin) / 1000).toFixed(1)} s`);
	console.log(Server.command('check', '--keys', '--tenant',
	    server.tenant).trim().split('\n').pop());
	server.agent.destroy();
}

// What the server says that it can search, and what of it we can judge.
async function capabilities() {
	const server = new Server();
	const { json } = await server.ask('GET', '/metadata');
	const kinds = {}, left = {};

	for (const { type, searchParam } of json.rest[0].resource) {
		kinds[type] = {};
		for (const { name, type: kind } of searchParam ?? [])
			if (FORMS[kind] !== undefined)
				kinds[type][name] = kind;
			else
				left[kind] = (left[kind] ?? 0) + 1;
	}
	for (const [kind, n] of Object.entries(left))
		console.log(`not judged: ${n} parameters of type ${kind}`);
	server.agent.destroy();
	return kinds;
}

async function main() {
	const expressions = JSON.parse(execFileSync(process.argv[2], ['-p'],
	    { maxBuffer: 1 << 26 }));
	const kinds = await capabilities();

	console.log(`property: SEED=${SEED} ROUNDS=${ROUNDS}`);
	for (let i = 0; i < ROUNDS && failures.length === 0; i++)
		await round(SEED + i, expressions, kinds);
	if (failures.length > 0) {
		console.log(`${failures.length} failures; again with: ` +
		    `make property SEED=${SEED} ROUNDS=${ROUNDS}`);
		process.exitCode = 1;
	}
}

main();

// A foreign client's day: npm's fhir-kit-client against the instance that
// STACK_ENV names, as TAP. It knows nothing of us; NODE_EXTRA_CA_CERTS makes it
// believe the instance's certificate.
'use strict';

const assert = require('assert');
const Client = require('fhir-kit-client');
const CapabilityTool = require('fhir-kit-client/lib/capability-tool');
const { authFromCapability } = require('fhir-kit-client/lib/smart');
const { Server, env } = require('./server');

const NAME = `Kit${process.pid}`;
const PATIENTS = 25;
const PAGE = 10;

const patient = (more) => ({ resourceType: 'Patient',
	name: [{ family: NAME, given: ['Fhir'] }], birthDate: '1980-01-01',
	...more });
const observation = (subject, more) => ({ resourceType: 'Observation',
	status: 'final', code: { coding: [{ system: 'http://loinc.org',
		code: '8867-4' }] }, subject: { reference: subject }, ...more });
const bundle = (type, ...entry) => ({ resourceType: 'Bundle', type, entry });
const statuses = (answer) => answer.entry.map((e) =>
    Number.parseInt(e.response.status, 10));

// What the promise is refused with: the client throws {response: {status}}.
async function refusal(promise) {
	try {
		await promise;
	} catch (error) {
		if (error.response === undefined)
			throw error;
		return error.response;
	}
	throw new Error('it was not refused');
}

// One step of the day each; what one learns is there for those after it.
const steps = {
	async 'the endpoints are found'({ client }) {
		const { tokenUrl } = authFromCapability(
		    await client.capabilityStatement());
		assert.equal(tokenUrl.href, `${env.AUTH_URL}/oauth/token`);
	},

	async 'the capability statement is understood'({ client }) {
		const tool = new CapabilityTool(
		    await client.capabilityStatement());
		for (const interaction of ['transaction', 'batch'])
			assert.ok(tool.serverCan(interaction), interaction);
		for (const interaction of ['read', 'vread', 'create',
			'update', 'patch', 'delete', 'search-type',
			'history-instance', 'history-type'])
			assert.ok(tool.resourceCan('Patient', interaction),
			    interaction);
		assert.ok(tool.resourceSearch('Patient', 'family'));
	},

	async 'create'(day) {
		day.created = await day.client.create({
			resourceType: 'Patient', body: patient() });
		assert.match(day.created.id, /^[a-z0-9]+$/);
		assert.equal(Client.httpFor(day.created).response.status, 201);
	},

	async 'an invalid record is explained'({ client }) {
		const { status, data } = await refusal(client.create({
			resourceType: 'Patient',
			body: patient({ gender: 'x' }) }));
		assert.equal(status, 422);
		assert.deepEqual(data.issue[0].expression, ['Patient.gender']);
	},

	async 'read'({ client, created }) {
		assert.deepEqual(await client.read({ resourceType: 'Patient',
			id: created.id }), created);
	},

	async 'update'({ client, created }) {
		const updated = await client.update({ resourceType: 'Patient',
			id: created.id, body: { ...created, active: true } });
		assert.equal(updated.meta.versionId, '2');
		assert.equal(updated.active, true);
	},

	async 'update of an old version is refused'({ client, created }) {
		const { status } = await refusal(client.update({
			resourceType: 'Patient', id: created.id, body: created,
			options: { headers: { 'if-match': 'W/"1"' } } }));
		assert.equal(status, 412);
	},

	async 'vread'({ client, created }) {
		assert.deepEqual(await client.vread({ resourceType: 'Patient',
			id: created.id, version: '1' }), created);
	},

	async 'history'({ client, created }) {
		const history = await client.history({
			resourceType: 'Patient', id: created.id });
		assert.equal(history.type, 'history');
		assert.deepEqual(history.entry.map((e) =>
		    e.resource.meta.versionId), ['2', '1']);
	},

	async 'transaction'(day) {
		const urns = Array.from({ length: PATIENTS }, (_, i) =>
		    `urn:uuid:0b9a8a1e-7f3c-4f0a-9a7b-${String(i)
			.padStart(12, '0')}`);
		const answer = await day.client.transaction({
			body: bundle('transaction', ...urns.flatMap((urn) => [
				{ fullUrl: urn, resource: patient(), request: {
					method: 'POST', url: 'Patient' } },
				{ resource: observation(urn), request: {
					method: 'POST', url: 'Observation' } },
			])) });
		assert.equal(answer.type, 'transaction-response');
		assert.deepEqual([...new Set(statuses(answer))], [201]);
		day.observation = answer.entry[1].response.location
		    .split('/_history')[0];
	},

	async 'a reference is resolved'({ client, observation: reference }) {
		const observed = await client.resolve({ reference });
		const subject = await client.resolve({
			reference: observed.subject.reference });
		assert.equal(subject.name[0].family, NAME);
	},

	async 'batch'({ client, created }) {
		const answer = await client.batch({ body: bundle('batch',
			{ request: { method: 'GET',
				url: `Patient/${created.id}` } },
			{ request: { method: 'GET', url: 'Patient/none' } },
			{ request: { method: 'GET',
				url: `Patient?family=${NAME}&_count=1` } }) });
		assert.equal(answer.type, 'batch-response');
		assert.deepEqual(statuses(answer), [200, 404, 200]);
		assert.equal(answer.entry[0].resource.id, created.id);
		assert.equal(answer.entry[2].resource.type, 'searchset');
	},

	async 'search, page by page, and back'({ client }) {
		const pages = [];
		let page = await client.search({ resourceType: 'Patient',
			searchParams: { family: NAME, _count: PAGE } });
		for (; page !== undefined;
		    page = await client.nextPage({ bundle: page }))
			pages.push(page);
		const ids = pages.flatMap((p) => p.entry.map((e) =>
		    e.resource.id));
		assert.equal(ids.length, PATIENTS + 1);
		assert.equal(new Set(ids).size, PATIENTS + 1);
		const before = await client.prevPage({ bundle: pages[1] });
		assert.deepEqual(before.entry, pages[0].entry);
	},

	async 'search by several values, and by POST'({ client }) {
		const searchParams = { family: NAME, birthdate: ['ge1979',
			'lt1981'], _count: 100 };
		for (const options of [{}, { postSearch: true }]) {
			const found = await client.search({
				resourceType: 'Patient', searchParams,
				options });
			assert.equal(found.entry.length, PATIENTS + 1);
		}
	},

	async 'an unknown parameter is refused'({ client }) {
		const { status, data } = await refusal(client.search({
			resourceType: 'Patient',
			searchParams: { nonsense: '1' } }));
		assert.equal(status, 400);
		assert.equal(data.resourceType, 'OperationOutcome');
	},

	async 'a condition creates nothing twice'({ client }) {
		const identifier = [{ system: 'urn:judge', value: NAME }];
		const options = { headers: {
			'if-none-exist': `identifier=urn:judge|${NAME}` } };
		const ask = () => client.create({ resourceType: 'Practitioner',
			body: { resourceType: 'Practitioner', identifier },
			options });
		const first = await ask();
		const second = await ask();
		assert.equal(second.id, first.id);
		assert.equal(Client.httpFor(second).response.status, 200);
	},

	async 'patch'({ client, created }) {
		const patched = await client.patch({ resourceType: 'Patient',
			id: created.id, JSONPatch: [
				{ op: 'replace', path: '/active',
					value: false },
				{ op: 'add', path: '/telecom', value: [
					{ system: 'phone', value: '1' }] }] });
		assert.equal(patched.meta.versionId, '3');
		assert.equal(patched.active, false);
		assert.equal(patched.telecom[0].value, '1');
	},

	async 'histories of a type and of the whole'({ client, created }) {
		for (const history of [
			await client.history({ resourceType: 'Patient' }),
			await client.history()]) {
			assert.equal(history.type, 'history');
			assert.ok(history.entry.some((e) =>
			    e.resource.id === created.id));
		}
	},

	async 'a compartment is searched'({ client, observation }) {
		const found = await client.resolve({ reference: observation });
		const [type, id] = found.subject.reference.split('/');
		const page = await client.compartmentSearch({
			resourceType: 'Observation',
			compartment: { resourceType: type, id } });
		assert.deepEqual(page.entry.map((e) => e.resource.id),
		    [found.id]);
	},

	async 'what refers to it and what it refers to'({ client }) {
		const page = await client.search({ resourceType: 'Observation',
			searchParams: { 'subject.family': NAME,
				_include: 'Observation:subject', _count: 2 } });
		assert.deepEqual(page.entry.map((e) => e.search.mode).sort(),
		    ['include', 'include', 'match', 'match']);
	},

	async 'an operation'({ client, created }) {
		const all = await client.operation({ name: '$everything',
			resourceType: 'Patient', id: created.id,
			method: 'get' });
		assert.equal(all.type, 'searchset');
		assert.equal(all.entry[0].resource.id, created.id);
	},

	async 'delete'({ client, created }) {
		await client.delete({ resourceType: 'Patient',
			id: created.id });
		const { status } = await refusal(client.read({
			resourceType: 'Patient', id: created.id }));
		assert.equal(status, 410);
	},

	async 'without a token nothing is shown'() {
		const stranger = new Client({ baseUrl: env.FHIR_URL });
		const { status, data } = await refusal(stranger.read({
			resourceType: 'Patient', id: 'x' }));
		assert.equal(status, 401);
		assert.equal(data.resourceType, 'OperationOutcome');
	},
};

async function main() {
	const server = await Server.begin(`client-${process.pid}`);
	const day = { client: new Client({ baseUrl: env.FHIR_URL,
		bearerToken: server.token }) };
	let n = 0;

	console.log(`1..${Object.keys(steps).length}`);
	for (const [name, step] of Object.entries(steps)) {
		try {
			await step(day);
			console.log(`ok ${++n} - ${name}`);
		} catch (error) {
			console.log(`not ok ${++n} - ${name}`);
			console.log(`# ${error.stack ?? JSON.stringify(error)}`
			    .replace(/\n/g, '\n# '));
			process.exitCode = 1;
		}
	}
	server.agent.destroy();
}

main();

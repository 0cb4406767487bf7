// The instance that STACK_ENV names, as a client of a tenant of its own.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const https = require('https');

const env = Object.fromEntries(fs.readFileSync(process.env.STACK_ENV, 'utf8')
    .split('\n').map((line) => /^([A-Z_]+)='?(.*?)'?$/.exec(line))
    .filter((m) => m !== null).map((m) => [m[1], m[2]]));

class Server {
	constructor(tenant) {
		this.tenant = tenant;
		this.agent = new https.Agent({ keepAlive: true,
			ca: fs.readFileSync(env.CA_FILE) });
	}

	static command(...args) {
		const [, set, program] =
		    /(\S+=\S+) (\S+) admin$/.exec(env.ADMIN);
		const [name, value] = set.split('=');

		return execFileSync(program, args, { encoding: 'utf8',
			env: { ...process.env, [name]: value },
			stdio: ['ignore', 'pipe', 'inherit'] });
	}

	// A tenant with a client that may do everything.
	static async begin(name) {
		const server = new Server(name);

		Server.command('admin', 'tenant', 'create', name);
		const out = Server.command('admin', 'client', 'create',
		    '--tenant', name, '--name', 'property', '--tier',
		    'enterprise', '--hour', '10000000', '--minute', '10000000',
		    '--scopes', 'system:read system:write',
		    '--output', 'json');
		const client = JSON.parse(out);
		const answer = await server.ask('POST',
		    `${env.AUTH_URL}/oauth/token`,
		    'grant_type=client_credentials', {
			'content-type': 'application/x-www-form-urlencoded',
			authorization: 'Basic ' + Buffer.from(
			    `${client.client_id}:${client.client_secret}`)
			    .toString('base64') });
		server.token = answer.json.access_token;
		return server;
	}

	// {status, headers, json}; where is a URL or a path below the base.
	ask(method, where, body, headers = {}) {
		const url = where.startsWith('http') ? where :
		    env.FHIR_URL + where;
		const text = typeof body === 'object' ? JSON.stringify(body) :
		    body;

		return new Promise((resolve, reject) => {
			const request = (url.startsWith('https') ? https :
			    http).request(url, { method, headers: {
				authorization: `Bearer ${this.token}`,
				'content-type': 'application/fhir+json',
				...headers },
			agent: this.agent }, (answer) => {
				const parts = [];
				answer.on('data', (part) => parts.push(part));
				answer.on('end', () => resolve({
					status: answer.statusCode,
					headers: answer.headers,
					json: parse(Buffer.concat(parts)) }));
				answer.on('error', reject);
			});
			request.on('error', reject);
			request.end(text);
		});
	}

	// All resources that a search finds, page by page.
	async search(type, query) {
		const found = [];
		let where = `/${type}?${query}`;

		while (where !== undefined) {
			const { status, json } = await this.ask('GET', where);
			if (status !== 200)
				return { status, json };
			found.push(...(json.entry ?? []).map((e) =>
			    e.resource));
			where = json.link?.find((l) =>
			    l.relation === 'next')?.url;
		}
		return { status: 200, found };
	}
}

function parse(buffer) {
	try {
		return JSON.parse(buffer.toString());
	} catch {
		return undefined;
	}
}

module.exports = { Server, env };

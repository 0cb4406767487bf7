// The numbers of types and search parameters that databases store. They live
// in numbers.tsv, which only ever grows: a number once given is never changed
// or given again. Lines: kind TAB number TAB key; the key of a type is its
// name, that of a parameter its canonical url, a blank and its code.
'use strict';

const fs = require('fs');
const path = require('path');

const NAME = 'numbers.tsv';
const FILE = path.join(__dirname, NAME);
const LARGEST = 32767;		// smallint

function parse(text) {
	const tables = { type: new Map(), param: new Map() };

	for (const line of text.split('\n')) {
		if (line === '' || line.startsWith('#'))
			continue;
		const [kind, number, key] = line.split('\t');
		tables[kind].set(key, Number(number));
	}
	return tables;
}

function paramKey(param) {
	return `${param.url} ${param.code}`;
}

// Give every key that has none the next number, in the order of the keys.
function extend(table, keys) {
	let last = Math.max(0, ...table.values());

	for (const key of keys.filter((k) => !table.has(k)))
		table.set(key, ++last);
	if (last > LARGEST)
		throw new Error('out of numbers');
}

function print(tables) {
	const lines = ['# kind\tnumber\tkey; append-only, see numbers.js'];

	for (const kind of ['type', 'param']) {
		const rows = [...tables[kind]].sort((a, b) => a[1] - b[1]);
		for (const [key, number] of rows)
			lines.push(`${kind}\t${number}\t${key}`);
	}
	return lines.join('\n') + '\n';
}

// numbers.type(name), numbers.param(SearchParameter), numbers.types: all names
// ever numbered, in the order of their numbers.
function load(defs) {
	const old = fs.existsSync(FILE) ? fs.readFileSync(FILE, 'utf8') : '';
	const tables = parse(old);

	extend(tables.type, defs.types);
	extend(tables.param, defs.params.map(paramKey));
	const get = (table, key) => {
		if (!table.has(key))
			throw new Error(`no number for ${key}`);
		return table.get(key);
	};
	return {
		type: (name) => get(tables.type, name),
		param: (param) => get(tables.param, paramKey(param)),
		types: [...tables.type].sort((a, b) => a[1] - b[1])
		    .map(([name]) => name),
		save: (dir) => fs.writeFileSync(path.join(dir, NAME),
		    print(tables)),
	};
}

module.exports = { load };

// A compiler of the FHIRPath that R4's search parameters are written in, with
// the types of all elements known beforehand: choice elements become their
// JSON names, and each end of a path knows what kind of value it finds.
//
//   union of paths, ( path as Type ), .as(Type), .where(name='text'),
//   .where(resolve() is Type), [n], path.exists() and path != false,
//   %resource.path (in composites)
//
// Anything else is an error: nothing is left out in silence.
// https://hl7.org/fhirpath/N1
'use strict';

const TOKEN = /\s*(?:('[^']*')|(%?[A-Za-z_]\w*)|(\d+)|(!=|[.()[\]=|]))/y;

function tokens(text) {
	const list = [];

	TOKEN.lastIndex = 0;
	while (TOKEN.lastIndex < text.trimEnd().length) {
		const at = TOKEN.lastIndex;
		const m = TOKEN.exec(text);
		if (m === null)
			throw new Error(`cannot read "${text.slice(at)}"`);
		list.push(m[1] ?? m[2] ?? m[3] ?? m[4]);
	}
	return list;
}

// text -> a tree of {op, of, ...}: the operand of each step is its `of`.
function parse(text) {
	const list = tokens(text);
	let at = 0;
	const peek = () => list[at];
	const take = (want) => {
		if (want !== undefined && list[at] !== want)
			throw new Error(`${want} wanted at ${list[at]}: ${text}`);
		return list[at++];
	};

	function call(of, name) {
		let node;
		take('(');
		if (name === 'as')
			node = { op: 'as', of, type: take() };
		else if (name === 'exists')
			node = { op: 'exists', of };
		else if (name === 'where' && peek() === 'resolve') {
			['resolve', '(', ')', 'is'].forEach(take);
			node = { op: 'is', of, type: take() };
		} else if (name === 'where') {
			node = { op: 'where', of, name: take() };
			take('=');
			node.value = take().slice(1, -1);
		} else
			throw new Error(`function ${name}: ${text}`);
		take(')');
		return node;
	}
	function path() {
		let node;
		if (peek() === '(') {
			take();
			node = union();
			take(')');
		} else
			node = { op: 'name', name: take() };
		for (;;) {
			if (peek() === '.') {
				take();
				const name = take();
				node = peek() === '(' ? call(node, name) :
				    { op: 'name', of: node, name };
			} else if (peek() === '[') {
				take();
				node = { op: 'at', of: node, n: Number(take()) };
				take(']');
			} else if (peek() === 'as') {
				take();
				node = { op: 'as', of: node, type: take() };
			} else
				return node;
		}
	}
	function term() {
		const first = path();
		if (peek() !== 'and')
			return first;
		// exists(X) and X != false: one known form, "is it set?"
		take('and');
		const second = path();
		take('!=');
		take('false');
		if (first.op !== 'exists' ||
		    JSON.stringify(first.of) !== JSON.stringify(second))
			throw new Error(`unknown condition: ${text}`);
		return { op: 'truth', of: second };
	}
	function union() {
		const parts = [term()];
		while (peek() === '|') {
			take();
			parts.push(term());
		}
		return parts.length === 1 ? parts[0] : { op: 'union', parts };
	}

	const tree = union();
	if (at !== list.length)
		throw new Error(`unread ${list.slice(at).join(' ')}: ${text}`);
	return tree;
}

const upper = (name) => name[0].toUpperCase() + name.slice(1);

// A state is one way through the definitions: {steps, type, path, element}.
// `path` is where the children of an anonymous structure are defined.
class Compiler {
	constructor(structures) {
		this.structures = structures;
		this.elements = new Map();
		for (const structure of structures.values())
			for (const e of structure.snapshot.element)
				this.elements.set(e.path, e);
	}

	// Is a type the wanted one or a specialisation of it? A canonical is a
	// uri. R4 writes DateTime for dateTime once.
	isA(type, wanted) {
		const base = this.structures.get(type)?.baseDefinition;

		return upper(type) === upper(wanted) || (base !== undefined &&
		    this.isA(base.split('/').at(-1), wanted));
	}

	// The JSON members that `name` may be below a state.
	children(state, name) {
		const plain = this.elements.get(`${state.path}.${name}`);
		const choice = this.elements.get(`${state.path}.${name}[x]`);
		const element = plain ?? choice;

		if (element === undefined)
			return [];
		if (element.contentReference !== undefined)
			return [{ member: name, element, type: 'BackboneElement',
				path: element.contentReference.slice(1) }];
		return element.type.map(({ code }) => {
			const type = code.startsWith('http') ? 'id' : code;
			const nested = type === 'BackboneElement' ||
			    type === 'Element';
			return { member: plain ? name : name + upper(type),
				element, type,
				path: nested ? element.path : type };
		});
	}

	// The states that a tree leads to from the resource type or, inside a
	// composite, from the states of its group.
	states(tree, type, from) {
		const of = () => this.states(tree.of, type, from);
		const add = (state, step) => ({ ...state,
			steps: [...state.steps, step] });

		switch (tree.op) {
		case 'union':
			return tree.parts.flatMap((t) =>
			    this.states(t, type, from));
		case 'name':
			return this.named(tree, type, from);
		case 'at':
			return of().map((s) => ({ ...s, steps: [
				...s.steps.slice(0, -1),
				{ ...s.steps.at(-1), op: 'AT', n: tree.n }] }));
		case 'as':
			return of().filter((s) => this.isA(s.type, tree.type));
		case 'where':
			return of().map((s) => add(s, { op: 'WHERE',
				name: tree.name, value: tree.value }));
		case 'is':
			return of().map((s) => ({ ...add(s, { op: 'IS',
				value: tree.type }), target: tree.type }));
		case 'truth':
			return of().map((s) => ({ ...add(s,
			    { op: 'NOT_FALSE' }), type: 'boolean', truth: true }));
		default:
			throw new Error(`cannot compile ${tree.op}`);
		}
	}

	named(tree, type, from) {
		const root = { steps: [], type, path: type };

		if (tree.of === undefined && tree.name === '%resource')
			return [{ ...root, steps: [{ op: 'ROOT' }] }];
		if (tree.of === undefined && from === undefined &&
		    [type, 'Resource', 'DomainResource'].includes(tree.name))
			return [root];
		// A path of another type has no such child; InsurancePlan's
		// "name | alias" is a path without its type.
		const states = tree.of !== undefined ?
		    this.states(tree.of, type, from) : from ?? [root];
		return states.flatMap((s) => this.children(s, tree.name)
		    .map((c) => ({ ...c, steps: [...s.steps,
			    { op: 'FIELD', name: c.member }] })));
	}

	compile(expression, type) {
		return this.states(parse(expression), type);
	}

	// One component of a composite whose group is `state`.
	component(expression, type, state) {
		return this.states(parse(expression), type,
		    [{ ...state, steps: [] }]);
	}
}

module.exports = { Compiler, parse };

// Random choices that a seed repeats (mulberry32).
'use strict';

class Random {
	constructor(seed) {
		this.state = seed >>> 0;
	}

	// A number in [0, 1).
	next() {
		let t = this.state = (this.state + 0x6d2b79f5) >>> 0;

		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	}

	below(n) {
		return Math.floor(this.next() * n);
	}

	chance(p) {
		return this.next() < p;
	}

	pick(list) {
		return list[this.below(list.length)];
	}

	// Between low and high of what make() gives.
	list(low, high, make) {
		return Array.from({ length: low + this.below(high - low + 1) },
		    make);
	}

	shuffle(list) {
		for (let i = list.length - 1; i > 0; i--) {
			const j = this.below(i + 1);
			[list[i], list[j]] = [list[j], list[i]];
		}
		return list;
	}
}

module.exports = { Random };

// The components of R4's composites: kind of parameter and FHIRPath; of
// DocumentReference relationship in the order in which they are named.
'use strict';

const tokenQuantity = [['token', 'code'],
	['quantity', 'value.ofType(Quantity)']];
const tokenConcept = [['token', 'code'],
	['token', 'value.ofType(CodeableConcept)']];

const COMPONENTS = {
	'code-value-quantity': tokenQuantity,
	'combo-code-value-quantity': tokenQuantity,
	'component-code-value-quantity': tokenQuantity,
	'code-value-concept': tokenConcept,
	'combo-code-value-concept': tokenConcept,
	'component-code-value-concept': tokenConcept,
	'code-value-date': [['token', 'code'],
		['date', 'value.ofType(dateTime) | value.ofType(Period)']],
	'code-value-string': [['token', 'code'],
		['string', 'value.ofType(string)']],
	'context-type-quantity': [['token', 'code'],
		['quantity', 'value.ofType(Quantity) | value.ofType(Range)']],
	'context-type-value': tokenConcept,
	'characteristic-value': [['token', 'code'], ['token',
		'value.ofType(CodeableConcept) | value.ofType(boolean)']],
	'relationship': [['reference', 'target'], ['token', 'code']],
	'chromosome-variant-coordinate': [
		['token', '%resource.referenceSeq.chromosome'],
		['number', 'start'], ['number', 'end']],
	'chromosome-window-coordinate': [['token', 'chromosome'],
		['number', 'windowStart'], ['number', 'windowEnd']],
	'referenceseqid-variant-coordinate': [
		['token', '%resource.referenceSeq.referenceSeqId'],
		['number', 'start'], ['number', 'end']],
	'referenceseqid-window-coordinate': [['token', 'referenceSeqId'],
		['number', 'windowStart'], ['number', 'windowEnd']],
};

module.exports = { COMPONENTS };

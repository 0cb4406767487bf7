-- The record store (CONTRIBUTING.md, "The record store"). Every row belongs to
-- a tenant; the tenant is in every hash (post, cqty) and leads every other key.

create extension if not exists btree_gin;
create extension if not exists btree_gist;
create extension if not exists pg_trgm;

-- One row per database: what is random or fixed when it is made.
create table setting (
	name	text primary key,
	value	bytea not null
);

create table tenant (
	tn	int generated always as identity primary key,
	name	text not null unique,
	created	timestamptz not null default now()
);

-- The current state of each record. An update is HOT: of the indexed columns
-- only `at` can change, and only when the record's primary date does.
create table res (
	tn	int not null,
	type	smallint not null,
	id	text collate "C" not null,
	rid	bigint not null,	-- made by the writer, grows with time
	ver	int not null,
	at	timestamptz not null,	-- primary date, or -infinity
	updated	timestamptz not null,
	deleted	boolean not null,
	has	bigint not null,	-- bit per parameter that has a value
	rh	bigint not null,	-- hash of "tn/Type/id"
	keys	bigint[] not null,	-- post.k of this version
	auxs	int[] not null,		-- post.aux, in the same order
	print	bigint not null,	-- hash of its rows in dat..cqty
	rules	bigint not null,	-- the extraction that made its keys
	refs	bigint[] not null,	-- rh of the targets
	primary key (tn, type, id)
) with (fillfactor = 80);
create unique index res_rid on res (rid);
create index res_rh on res (rh);
create index res_walk on res (tn, type, at, rid) where not deleted;

-- Every version, append-only: history, vread and read take the body here.
create table ver (
	rid	bigint not null,
	ver	int not null,
	tn	int not null,
	type	smallint not null,
	updated	timestamptz not null,
	op	"char" not null,	-- C, U, D
	xid	xid8 not null default pg_current_xact_id(),
	client	text not null,
	body	text compression lz4,	-- null when deleted
	primary key (rid, ver)
);
create index ver_walk on ver (tn, type, updated, rid);

-- Equality postings, each list ordered by (at, rid): token, reference, uri,
-- exact string, compartment membership. Only inserted and deleted.
create table post (
	k	bigint not null,
	at	timestamptz not null,
	rid	bigint not null,
	aux	int not null,
	primary key (k, at, rid, aux)
);

-- Dates that span at most a day; and wider ones.
create table dat (
	tn	int not null,
	param	smallint not null,
	type	smallint not null,
	lo	timestamptz not null,
	rid	bigint not null,
	hi	timestamptz not null,
	primary key (tn, type, param, lo, rid, hi)
);
create index dat_rid on dat (rid);
create table datw (
	tn	int not null,
	type	smallint not null,
	param	smallint not null,
	span	tstzrange not null,
	rid	bigint not null
);
create index datw_span on datw using gist (tn, type, param, span);
create index datw_rid on datw (rid);
create index datw_walk on datw (tn, type, param, lower(span), rid);

-- Folded text: prefix by the primary key, :contains by trigrams.
create table str (
	tn	int not null,
	type	smallint not null,
	param	smallint not null,
	v	text collate "C" not null,
	rid	bigint not null,
	primary key (tn, type, param, v, rid)
);
create index str_rid on str (rid);
create index str_trgm on str using gin (tn, type, param, v gin_trgm_ops)
	with (fastupdate = on, gin_pending_list_limit = 1024);

-- Numbers and quantities, each once; system, code and unit are prints of the
-- unit's, 0 = none (backend/fhir/keys.h). lo = hi but for ranges and
-- comparators, which are few: those alone are in qty_span.
create table qty (
	tn	int not null,
	type	smallint not null,
	param	smallint not null,
	lo	double precision not null,
	rid	bigint not null,
	hi	double precision not null,
	system	int not null,
	code	int not null,
	unit	int not null
);
create index qty_value on qty (tn, type, param, lo, rid);
create index qty_code on qty (tn, type, param, code, lo, rid) where code <> 0;
create index qty_unit on qty (tn, type, param, unit, lo, rid) where unit <> 0;
create index qty_span on qty (tn, type, param, lo, rid) where lo <> hi;
create index qty_rid on qty (rid);

-- Composites: k over the discrete components, lo and hi the measured ones
-- (else 0), the rest prints to filter by (backend/fhir/keys.h).
create table cqty (
	k	bigint not null,
	lo	double precision not null,
	rid	bigint not null,
	hi	double precision not null,
	aux	int not null,
	system	int not null,
	code	int not null,
	unit	int not null
);
create index cqty_value on cqty (k, lo, rid);
create index cqty_span on cqty (k, lo, rid) where lo <> hi;
create index cqty_rid on cqty (rid);

-- Distinct tokens: what `system|`, :text and :in resolve to keys.
create table dict (
	tn	int not null,
	type	smallint not null,
	param	smallint not null,
	space	smallint not null,
	k	bigint not null,
	aux	int not null,
	system	text not null,
	code	text collate "C" not null,
	display	text not null,
	n	bigint not null default 0,	-- estimate, kept by a job
	primary key (tn, type, param, space, k, aux)
);
create index dict_code on dict (tn, type, param, system, code)
	where space = 0;
create index dict_text on dict using gin (tn, type, param, code gin_trgm_ops)
	with (fastupdate = on, gin_pending_list_limit = 1024)
	where space = 2;

-- Exact totals; shard = writer, so that writers do not meet.
create table cnt (
	tn	int not null,
	type	smallint not null,
	shard	smallint not null,
	n	bigint not null,
	primary key (tn, type, shard)
) with (fillfactor = 50);

-- The outbox: one row per change, in the transaction that made it.
create table event (
	seq	bigint generated always as identity primary key,
	xid	xid8 not null default pg_current_xact_id(),
	tn	int not null,
	type	smallint not null,
	rid	bigint not null,
	ver	int not null,
	op	"char" not null,
	at	timestamptz not null
);

-- Who did what: append-only.
create table audit (
	seq	bigint generated always as identity primary key,
	at	timestamptz not null,
	tn	int not null,
	client	text not null,
	sub	text not null,
	addr	text not null,
	request	text not null,
	op	"char" not null,
	type	smallint not null,
	id	text not null,
	rid	bigint not null,
	ver	int not null
);
create index audit_rid on audit (rid);

-- Extraction programs, by parameter, by which all records of a type are known
-- to be indexed: what `twocare migrate` found when there were none, and what
-- `twocare reindex` has been through.
create table program (
	type	smallint not null,
	param	smallint not null,
	hash	bigint not null,
	primary key (type, param)
);

-- How far `twocare reindex` has come, so that it goes on there after a kill.
create table reindex (
	what	text primary key,	-- 'Patient', '*', '* stale'
	rules	bigint not null,	-- of all types: others begin anew
	tn	int not null,
	type	smallint not null,
	id	text not null,
	records	bigint not null,
	changed	bigint not null,
	started	timestamptz not null default now()
);

-- Index-only walks need a fresh visibility map, also where rows only come.
alter table res set (autovacuum_vacuum_scale_factor = 0.05,
	autovacuum_analyze_scale_factor = 0.05);
alter table ver set (autovacuum_vacuum_insert_scale_factor = 0.05);
alter table post set (autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_insert_scale_factor = 0.02,
	autovacuum_analyze_scale_factor = 0.05);
alter table dat set (autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_insert_scale_factor = 0.02);
alter table str set (autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_insert_scale_factor = 0.02);
alter table qty set (autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_insert_scale_factor = 0.02);
alter table cqty set (autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_insert_scale_factor = 0.02);
alter table cnt set (autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_threshold = 1000);

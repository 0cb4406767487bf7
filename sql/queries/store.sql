-- The record store. $1 is the tenant in every statement that has one; a row of
-- another tenant is never found, whatever its hash. Arrays hold one element
-- per row and are sorted as the primary key of the table that they fill.

-- The key of an id's record and its current version, without the body when it is
-- larger than $4. Index: res_pkey, ver_pkey.
-- name: store_read
-- $2 type, $3 id, $4 most bytes
select r.rid, r.ver, r.updated, r.deleted, v.op,
	case when octet_length(v.body) <= $4 then v.body end
from res r join ver v on v.rid = r.rid and v.ver = r.ver
where r.tn = $1 and r.type = $2 and r.id = $3

-- store_read of many at once. Each row is asked for by its own tenant, and says
-- last which place of the arrays it answers.
-- name: store_read_many
-- $1 tenants, $2 types, $3 ids, $4 most bytes
select r.rid, r.ver, r.updated, r.deleted, v.op,
	case when octet_length(v.body) <= w.most then v.body end, w.i
from unnest($1::int[], $2::smallint[], $3::text[], $4::int[])
	with ordinality w(tn, type, id, most, i)
join res r on r.tn = w.tn and r.type = w.type and r.id = w.id
join ver v on v.rid = r.rid and v.ver = r.ver

-- name: store_vread
-- $2 type, $3 id, $4 most bytes, $5 version
select r.rid, v.ver, v.updated, v.op = 'D', v.op,
	case when octet_length(v.body) <= $4 then v.body end
from res r join ver v on v.rid = r.rid and v.ver = $5
where r.tn = $1 and r.type = $2 and r.id = $3

-- Find and lock the rows that are to change, in the order given. The tenant comes
-- as an array too: a constant would let an empty table's plan walk the tenant.
-- name: store_lock
-- $2 types, $3 ids
select w.i, r.rid, r.ver, r.updated, r.at, r.deleted, r.keys, r.auxs,
	r.print, r.rules
from unnest(array_fill($1::int, array[cardinality($2::smallint[])]),
	$2::smallint[], $3::text[]) with ordinality w(tn, type, id, i)
join res r on r.tn = w.tn and r.type = w.type and r.id = w.id
for no key update of r

-- store_lock that also waits for who refers to them (store_targets).
-- name: store_lock_all
select w.i, r.rid, r.ver, r.updated, r.at, r.deleted, r.keys, r.auxs,
	r.print, r.rules
from unnest(array_fill($1::int, array[cardinality($2::smallint[])]),
	$2::smallint[], $3::text[]) with ordinality w(tn, type, id, i)
join res r on r.tn = w.tn and r.type = w.type and r.id = w.id
for update of r

-- Which of the records are there; they stay until the transaction's end. Index:
-- res_rh.
-- name: store_targets
-- $2 rh, sorted
select r.rh
from unnest($2::bigint[]) w(rh)
join res r on r.rh = w.rh
where (r.tn = $1) is true and not r.deleted
for key share of r

-- A record that has one of the postings. Index: post_pkey, res_rid.
-- name: store_referrer
-- $2 k
select w.i, r.type, r.id
from unnest($2::bigint[]) with ordinality w(k, i)
cross join lateral (
	select r.type, r.id
	from post p join res r on r.rid = p.rid
	where p.k = w.k and (r.tn = $1) is true and (not r.deleted) is true
	limit 1) r
limit 1

-- Wait for all who write under one of these keys, until the transaction's end.
-- name: store_await
-- $1 keys, sorted
select pg_advisory_xact_lock(k) from unnest($1::bigint[]) u(k)

-- A number that no other session has, until this session ends: part of the
-- rids it makes, and its shard of the counters; and the database's clock.
-- name: store_writer
-- $1 where to begin looking
select n::int, clock_timestamp() from generate_series($1, $1 + 4095) g(i),
	lateral (select g.i % 4096) m(n)
where pg_try_advisory_lock(844252517, n::int) limit 1

-- name: store_clock
select clock_timestamp()

-- New records: record, version, event, audit, counts; t refuses a time from too
-- far back before anything is written (0005_horizon.sql). store_update takes the
-- same arguments. Of the flattened arrays a row owns [k0 : k1] and [r0 : r1].
-- name: store_create
-- $2 type, $3 id, $4 rid, $5 ver, $6 at, $7 updated, $8 op, $9 has, $10 rh,
-- $11 k0, $12 k1, $13 r0, $14 r1, $15 body: per record
-- $16 keys, $17 auxs, $18 refs: flattened; $26 print, $27 rules: per record
-- $19 client, $20 sub, $21 addr, $22 request
-- $23 shard, $24 types and $25 differences of the counts
with u as materialized (
	select * from unnest($2::smallint[], $3::text[], $4::bigint[],
		$5::int[], $6::timestamptz[], $7::timestamptz[], $8::text[],
		$9::bigint[], $10::bigint[], $11::int[], $12::int[],
		$13::int[], $14::int[], $15::text[], $26::bigint[],
		$27::bigint[])
	as u(type, id, rid, ver, at, updated, op, has, rh, k0, k1, r0, r1,
		body, print, rules)
), t as materialized (
	select in_time(min(updated)) as ok from u
), r as (
	insert into res (tn, type, id, rid, ver, at, updated, deleted, has,
		rh, keys, auxs, refs, print, rules)
	select $1, type, id, rid, ver, at, updated, false, has, rh,
		($16::bigint[])[k0:k1], ($17::int[])[k0:k1],
		($18::bigint[])[r0:r1], print, rules
	from u where (select ok from t)
), v as (
	insert into ver (rid, ver, tn, type, updated, op, client, body)
	select rid, ver, $1, type, updated, op::"char", $19, body from u
), e as (
	insert into event (tn, type, rid, ver, op, at)
	select $1, type, rid, ver, op::"char", updated from u
), a as (
	insert into audit (at, tn, client, sub, addr, request, op, type, id,
		rid, ver)
	select updated, $1, $19, $20, $21, $22, op::"char", type, id, rid, ver
	from u
)
insert into cnt (tn, type, shard, n)
select $1, type, $23, n from unnest($24::smallint[], $25::bigint[]) c(type, n)
where (select ok from t)
on conflict (tn, type, shard) do update set n = cnt.n + excluded.n

-- Next versions of records whose rows are locked, deletions among them. `is true`
-- keeps the tenant a filter, so that rid is the only way in.
-- name: store_update
with u as materialized (
	select * from unnest($2::smallint[], $3::text[], $4::bigint[],
		$5::int[], $6::timestamptz[], $7::timestamptz[], $8::text[],
		$9::bigint[], $10::bigint[], $11::int[], $12::int[],
		$13::int[], $14::int[], $15::text[], $26::bigint[],
		$27::bigint[])
	as u(type, id, rid, ver, at, updated, op, has, rh, k0, k1, r0, r1,
		body, print, rules)
), t as materialized (
	select in_time(min(updated)) as ok from u
), r as (
	update res set ver = u.ver, at = u.at, updated = u.updated,
		deleted = u.op = 'D', has = u.has,
		keys = ($16::bigint[])[k0:k1], auxs = ($17::int[])[k0:k1],
		refs = ($18::bigint[])[r0:r1], print = u.print,
		rules = u.rules
	from u where res.rid = u.rid and (res.tn = $1) is true
		and (select ok from t)
), v as (
	insert into ver (rid, ver, tn, type, updated, op, client, body)
	select rid, ver, $1, type, updated, op::"char", $19, nullif(body, '')
	from u
), e as (
	insert into event (tn, type, rid, ver, op, at)
	select $1, type, rid, ver, op::"char", updated from u
), a as (
	insert into audit (at, tn, client, sub, addr, request, op, type, id,
		rid, ver)
	select updated, $1, $19, $20, $21, $22, op::"char", type, id, rid, ver
	from u
)
insert into cnt (tn, type, shard, n)
select $1, type, $23, n from unnest($24::smallint[], $25::bigint[]) c(type, n)
where (select ok from t)
on conflict (tn, type, shard) do update set n = cnt.n + excluded.n

-- Search keys that a new version no longer has: postings one by one, the others
-- by record.
-- name: store_unkey
-- $1 rids; $2 k, $3 at, $4 rid, $5 aux of post
with p as (
	delete from post using unnest($2::bigint[], $3::timestamptz[],
		$4::bigint[], $5::int[]) o(k, at, rid, aux)
	where post.k = o.k and post.at = o.at and post.rid = o.rid
		and post.aux = o.aux
), c as (
	delete from cqty where rid = any($1::bigint[])
), d as (
	delete from dat where rid = any($1::bigint[])
), w as (
	delete from datw where rid = any($1::bigint[])
), s as (
	delete from str where rid = any($1::bigint[])
)
delete from qty where rid = any($1::bigint[])

-- Search keys of new versions.
-- name: store_key
-- $2 k, $3 at, $4 rid, $5 aux: post
-- $6 type, $7 param, $8 lo, $9 rid, $10 hi: dat
-- $11 type, $12 param, $13 lo, $14 hi, $15 rid: datw
-- $16 type, $17 param, $18 v, $19 rid: str
-- $20 type, $21 param, $22 lo, $23 rid, $24 hi, $25 system, $26 code, $27 unit:
-- qty
-- $28 k, $29 lo, $30 rid, $31 hi, $32 aux, $33 system, $34 code, $35 unit: cqty
with p as (
	insert into post (k, at, rid, aux)
	select * from unnest($2::bigint[], $3::timestamptz[], $4::bigint[],
		$5::int[])
), d as (
	insert into dat (tn, type, param, lo, rid, hi)
	select $1, * from unnest($6::smallint[], $7::smallint[],
		$8::timestamptz[], $9::bigint[], $10::timestamptz[])
), w as (
	insert into datw (tn, type, param, span, rid)
	select $1, type, param, tstzrange(lo, hi), rid
	from unnest($11::smallint[], $12::smallint[], $13::timestamptz[],
		$14::timestamptz[], $15::bigint[]) x(type, param, lo, hi, rid)
), s as (
	insert into str (tn, type, param, v, rid)
	select $1, * from unnest($16::smallint[], $17::smallint[], $18::text[],
		$19::bigint[])
), q as (
	insert into qty (tn, type, param, lo, rid, hi, system, code, unit)
	select $1, * from unnest($20::smallint[], $21::smallint[],
		$22::float8[], $23::bigint[], $24::float8[], $25::int[],
		$26::int[], $27::int[])
)
insert into cqty (k, lo, rid, hi, aux, system, code, unit)
select * from unnest($28::bigint[], $29::float8[], $30::bigint[],
	$31::float8[], $32::int[], $33::int[], $34::int[], $35::int[])

-- Tokens that this worker has not met before.
-- name: store_dict
-- $2 type, $3 param, $4 space, $5 k, $6 aux, $7 system, $8 code, $9 display
insert into dict (tn, type, param, space, k, aux, system, code, display)
select $1, * from unnest($2::smallint[], $3::smallint[], $4::smallint[],
	$5::bigint[], $6::int[], $7::text[], $8::text[], $9::text[])
on conflict do nothing

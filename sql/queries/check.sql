-- `twocare check --keys` and `twocare reindex`: what the key tables hold against
-- what they should.

-- name: check_snapshot
set transaction isolation level repeatable read, read only

-- For statements that go through whole tables, until the transaction ends.
-- name: check_freely
select set_config(name, value, true) from (values ('statement_timeout', '0'),
	('enable_seqscan', 'on'), ('enable_hashjoin', 'on'),
	('enable_mergejoin', 'on')) s(name, value)

-- Which tenants have records of which types; a descent of res_pkey each.
-- name: check_pairs
with recursive pair as (
	(select tn, type from res order by tn, type limit 1)
	union all
	select n.tn, n.type from pair p cross join lateral (
		select tn, type from res where (tn, type) > (p.tn, p.type)
		order by tn, type limit 1) n
)
select tn, type from pair

-- Records of one tenant and type by id, ending early behind 4 MB of bodies.
-- Index: res_pkey, ver_pkey.
-- name: check_page
-- $1 tenant, $2 type, $3 after this id, $4 at most so many
select id, rid, deleted, at, has, rh, keys, auxs, refs, print, rules, body
from (
	select p.*, sum(size) over (order by id) so_far
	from (
		select r.*, v.body, coalesce(octet_length(v.body), 0) size
		from res r left join ver v on v.rid = r.rid and v.ver = r.ver
		where r.tn = $1 and r.type = $2 and r.id > $3
		order by r.id limit $4) p) p
where so_far - size <= 4194304 order by id

-- Records of one tenant whose rows differ from what is expected: in which table,
-- whether they are missing there or superfluous, how many. By
-- rid alone, so that no index but that of the rid can be chosen.
-- name: check_rows
-- $1 tenant; $2..$35 as store_key; $36 rids
with dat_is as (
	select type, param, lo, rid, hi from dat
	where rid = any($36::bigint[])
), dat_wanted as (
	select * from unnest($6::smallint[], $7::smallint[],
		$8::timestamptz[], $9::bigint[], $10::timestamptz[])
		x(type, param, lo, rid, hi)
), datw_is as (
	select type, param, span, rid from datw
	where rid = any($36::bigint[])
), datw_wanted as (
	select type, param, tstzrange(lo, hi) span, rid
	from unnest($11::smallint[], $12::smallint[], $13::timestamptz[],
		$14::timestamptz[], $15::bigint[]) x(type, param, lo, hi, rid)
), str_is as (
	select type, param, v, rid from str
	where rid = any($36::bigint[])
), str_wanted as (
	select * from unnest($16::smallint[], $17::smallint[], $18::text[],
		$19::bigint[]) x(type, param, v, rid)
), qty_is as (
	select type, param, lo, rid, hi, system, code, unit from qty
	where rid = any($36::bigint[])
), qty_wanted as (
	select * from unnest($20::smallint[], $21::smallint[],
		$22::float8[], $23::bigint[], $24::float8[], $25::int[],
		$26::int[], $27::int[])
		x(type, param, lo, rid, hi, system, code, unit)
), cqty_is as (
	select k, lo, rid, hi, aux, system, code, unit from cqty
	where rid = any($36::bigint[])
), cqty_wanted as (
	select * from unnest($28::bigint[], $29::float8[], $30::bigint[],
		$31::float8[], $32::int[], $33::int[], $34::int[], $35::int[])
		x(k, lo, rid, hi, aux, system, code, unit)
)
select 'post', true, rid, count(*) from unnest($2::bigint[],
	$3::timestamptz[], $4::bigint[], $5::int[]) x(k, at, rid, aux)
left join lateral (select true as known from post p where p.k = x.k
	and p.at = x.at and p.rid = x.rid and p.aux = x.aux limit 1) p on true
where known is null group by rid
union all select 'dat', true, rid, count(*) from (
	table dat_wanted except all table dat_is) x group by rid
union all select 'dat', false, rid, count(*) from (
	table dat_is except all table dat_wanted) x group by rid
union all select 'datw', true, rid, count(*) from (
	table datw_wanted except all table datw_is) x group by rid
union all select 'datw', false, rid, count(*) from (
	table datw_is except all table datw_wanted) x group by rid
union all select 'str', true, rid, count(*) from (
	table str_wanted except all table str_is) x group by rid
union all select 'str', false, rid, count(*) from (
	table str_is except all table str_wanted) x group by rid
union all select 'qty', true, rid, count(*) from (
	table qty_wanted except all table qty_is) x group by rid
union all select 'qty', false, rid, count(*) from (
	table qty_is except all table qty_wanted) x group by rid
union all select 'cqty', true, rid, count(*) from (
	table cqty_wanted except all table cqty_is) x group by rid
union all select 'cqty', false, rid, count(*) from (
	table cqty_is except all table cqty_wanted) x group by rid

-- Tokens that dict should have and has not.
-- name: check_dict
-- $1 tenant; $2 type, $3 param, $4 space, $5 k, $6 aux
select count(*) from unnest($2::smallint[], $3::smallint[], $4::smallint[],
	$5::bigint[], $6::int[]) x(type, param, space, k, aux)
left join lateral (select true as known from dict d where d.tn = $1
	and d.type = x.type and d.param = x.param and d.space = x.space
	and d.k = x.k and d.aux = x.aux limit 1) d on true
where known is null

-- Rows of no record: of which table, how many.
-- name: check_orphans
select 'dat', count(*) from dat t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn)
union all select 'datw', count(*) from datw t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn)
union all select 'str', count(*) from str t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn)
union all select 'qty', count(*) from qty t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn)
union all select 'cqty', count(*) from cqty t where not exists (
	select from res r where r.rid = t.rid)

-- Postings that their record does not have, or of no record; `post` cannot be
-- asked by rid, so it is gone through.
-- name: check_postings
declare posting no scroll cursor for
select p.k, p.at, p.rid, p.aux, r.tn, r.type, r.id
from post p left join res r on r.rid = p.rid
where r.rid is null or r.at <> p.at or not exists (
	select from unnest(r.keys, r.auxs) u(k, aux)
	where u.k = p.k and u.aux = p.aux)

-- name: check_postings_next
fetch 1000 from posting

-- Totals of tenants and types that are not the number of their records, and by
-- how much they are more.
-- name: check_counts
select tn, type, sum(n)::bigint from (
	select tn, type, n from cnt
	union all
	select tn, type, -1 from res where not deleted) x
group by tn, type having sum(n) <> 0 order by tn, type

-- Records whose current version is not what res says it is.
-- name: check_versions
select r.tn, r.type, r.id from res r where not exists (
	select from ver v where v.rid = r.rid and v.ver = r.ver
	and v.tn = r.tn and (v.op = 'D') = r.deleted)
order by r.tn, r.type, r.id

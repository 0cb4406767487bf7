-- `twocare check --keys`: what the key tables hold against what they should.

-- name: check_snapshot
set transaction isolation level repeatable read, read only

-- name: check_patience
set local statement_timeout = 0

-- Records of all tenants by rid. Index: res_rid.
-- name: check_records
-- $1 after this rid, $2 at most so many
select r.tn, r.type, r.id, r.rid, r.deleted, r.at, r.has, r.rh, r.keys, r.auxs,
	r.refs, v.body, r.print
from res r left join ver v on v.rid = r.rid and v.ver = r.ver
where r.rid > $1 order by r.rid limit $2

-- Records of one tenant whose rows differ from what is expected, and where. By
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
select 'post', rid from unnest($2::bigint[], $3::timestamptz[], $4::bigint[],
	$5::int[]) x(k, at, rid, aux)
left join lateral (select true as known from post p where p.k = x.k
	and p.at = x.at and p.rid = x.rid and p.aux = x.aux limit 1) p on true
where known is null
union select 'dat', rid from (
	(table dat_is except all table dat_wanted) union all
	(table dat_wanted except all table dat_is)) x
union select 'datw', rid from (
	(table datw_is except all table datw_wanted) union all
	(table datw_wanted except all table datw_is)) x
union select 'str', rid from (
	(table str_is except all table str_wanted) union all
	(table str_wanted except all table str_is)) x
union select 'qty', rid from (
	(table qty_is except all table qty_wanted) union all
	(table qty_wanted except all table qty_is)) x
union select 'cqty', rid from (
	(table cqty_is except all table cqty_wanted) union all
	(table cqty_wanted except all table cqty_is)) x

-- Tokens that dict should have and has not.
-- name: check_dict
-- $1 tenant; $2 type, $3 param, $4 space, $5 k, $6 aux
select count(*) from unnest($2::smallint[], $3::smallint[], $4::smallint[],
	$5::bigint[], $6::int[]) x(type, param, space, k, aux)
left join lateral (select true as known from dict d where d.tn = $1
	and d.type = x.type and d.param = x.param and d.space = x.space
	and d.k = x.k and d.aux = x.aux limit 1) d on true
where known is null

-- Totals that must agree: rows that belong to no record show here.
-- name: check_totals
select 'post', (select count(*) from post)
	= (select coalesce(sum(cardinality(keys)), 0) from res)
union all select 'dat', not exists (select from dat t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn))
union all select 'datw', not exists (select from datw t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn))
union all select 'str', not exists (select from str t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn))
union all select 'qty', not exists (select from qty t where not exists (
	select from res r where r.rid = t.rid and r.tn = t.tn))
union all select 'cqty', not exists (select from cqty t where not exists (
	select from res r where r.rid = t.rid))
union all select 'cnt', not exists (
	select tn, type, sum(n) from (
		select tn, type, n from cnt
		union all
		select tn, type, -1 from res where not deleted) x
	group by tn, type having sum(n) <> 0)
union all select 'ver', not exists (
	select from res r where not exists (
		select from ver v where v.rid = r.rid and v.ver = r.ver
		and v.tn = r.tn and (v.op = 'D') = r.deleted))

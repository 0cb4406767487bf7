-- Histories of a record, a type and all types (backend/fhir/history.c). $1 is
-- the tenant. Each looks at a bounded number of versions, newest first, and
-- returns all of them in order: rid, ver, updated, op, type, id, whether it is
-- asked for ("fits"), whether it is on the page ("shown"), whether there was
-- no record before it, the body when it is shown. A page ends early behind 8 MB.

-- The time from which on there may be versions that a statement begun later does
-- not see: less than that of every version whose transaction was open (it has a
-- number, and began before it took one) and of every one yet to begin. What is
-- written says in_time() (0005_horizon.sql). The list of sessions is that of the
-- transaction's first look, hence its time; where the server keeps no list there
-- is no such time. Our sessions must share one role, or they do not see each
-- other's.
-- name: history_horizon
select date_trunc('milliseconds', least(transaction_timestamp(),
	min(coalesce(xact_start,
		case when current_setting('track_activities')::boolean
		then transaction_timestamp() else '-infinity' end)))
	- late())
from pg_stat_activity
where backend_xid is not null and datname = current_database()
	and pid <> pg_backend_pid()

-- Of types: those since $3 and before the place ($4, $5). Index: ver_walk once
-- for each type, so a type without the right costs nothing.
-- name: history_types
-- $2 types, $3 since, $4 updated, $5 rid, $6 versions to look at, $7 current at
-- or after (-infinity: any), $8 at most so many
with k as materialized (
	select d.type, x.*
	from unnest($2::smallint[]) d(type)
	cross join lateral (
		select v.rid, v.ver, v.updated, v.op,
			coalesce(octet_length(v.body), 0) as size
		from ver v
		where v.tn = $1 and v.type = d.type and v.updated >= $3
			and (v.updated, v.rid) < ($4::timestamptz, $5::bigint)
		order by v.updated desc, v.rid desc
		limit $6) x
	order by x.updated desc, x.rid desc
	limit $6
), m as materialized (
	select k.*, k.updated >= $7 or (k.op <> 'D' and coalesce((
		select n.updated > $7 from ver n
		where n.rid = k.rid and n.ver = k.ver + 1), true)) as fits
	from k
), s as materialized (
	select m.*, fits and count(*) filter (where fits) over w <= $8
		and sum(size) filter (where fits) over w - size <= 8388608
		as shown
	from m window w as (order by updated desc, rid desc)
)
select s.rid, s.ver, s.updated, s.op, s.type, r.id, s.fits, s.shown,
	coalesce(p.op = 'D', true), v.body
from s
join res r on r.rid = s.rid and (r.tn = $1) is true
left join ver v on v.rid = s.rid and v.ver = s.ver and s.shown
left join ver p on p.rid = s.rid and p.ver = s.ver - 1
order by s.updated desc, s.rid desc

-- Of a record: those below version $4; last the number of all. One row with a null
-- version when there is none below. Index: res_pkey, ver_pkey.
-- name: history_record
-- $2 type, $3 id, $4 below this version, $5 versions to look at, $6 since,
-- $7 current at or after, $8 and before, $9 at most so many
with k as materialized (
	select r.rid, r.id, r.type, r.ver as total, x.*
	from res r left join lateral (
		select v.ver, v.updated, v.op,
			coalesce(octet_length(v.body), 0) as size
		from ver v
		where v.rid = r.rid and v.ver < $4
		order by v.ver desc
		limit $5) x on true
	where r.tn = $1 and r.type = $2 and r.id = $3
), m as materialized (
	select k.*, k.updated >= $6 and k.updated < $8
		and (k.updated >= $7 or (k.op <> 'D' and coalesce((
		select n.updated > $7 from ver n
		where n.rid = k.rid and n.ver = k.ver + 1), true))) as fits
	from k
), s as materialized (
	select m.*, fits and count(*) filter (where fits) over w <= $9
		and sum(size) filter (where fits) over w - size <= 8388608
		as shown
	from m window w as (order by ver desc)
)
select s.rid, s.ver, s.updated, s.op, s.type, s.id, s.fits, s.shown,
	coalesce(p.op = 'D', true), v.body, s.total
from s
left join ver v on v.rid = s.rid and v.ver = s.ver and s.shown
left join ver p on p.rid = s.rid and p.ver = s.ver - 1
order by s.ver desc

-- Exports (backend/platform/export_run.c).

-- Versions of a type in the order of their times, of which those with `newest`
-- are what their records were at $3; ending early behind 4 MB of bodies. As
-- versions are never changed, the same is found at any later time.
-- Index: ver_walk, ver_pkey.
-- name: export_page
-- $1 tenant, $2 type, $3 time, $4 updated, $5 rid, $6 at most so many
select rid, updated, newest, op, body
from (
	select v.*, sum(size) over (order by updated, rid) so_far
	from (
		select v.rid, v.updated, v.op, n.newest,
			case when n.newest then v.body end body,
			case when n.newest then coalesce(
				octet_length(v.body), 0) else 0 end size
		from (
			select rid, ver, updated, op, body from ver
			where tn = $1 and type = $2 and updated <= $3
			and (updated, rid) > ($4::timestamptz, $5::bigint)
			order by updated, rid limit $6) v,
		lateral (select not exists (select from ver l
			where l.rid = v.rid and l.ver = v.ver + 1
			and l.updated <= $3)) n(newest)) v) v
where so_far - size <= 4194304
order by updated, rid

-- The ids of deleted records. Index: res_rid.
-- name: export_ids
-- $1 rids, $2 tenant
select r.rid, r.id from res r
where r.rid = any ($1::bigint[]) and (r.tn = $2) is true

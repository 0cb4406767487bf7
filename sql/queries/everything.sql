-- Everything of a patient or an encounter (backend/fhir/everything.c). $1 is the
-- tenant.

-- Whose it is. Index: res_pkey.
-- name: everything_owner
-- $2 type, $3 id
select r.rh, r.deleted, r.refs
from res r
where r.tn = $1 and r.type = $2 and r.id = $3

-- The members of a compartment, list by list and newest first, a bounded number
-- of them: type, at, rid, whether it is of the time asked for ("dated"), whether
-- it is asked for ("fits"), whether it is on the page ("shown"), what it refers
-- to, the body when it is shown. One without a date is of every time. Index:
-- post_pkey for each list, res_rid, ver_pkey.
-- name: everything_members
-- $2 types, $3 lists, $4 lists of those that span more than a day, $5 at and
-- $6 rid to begin before: arrays; $7 wanted types, $8 members to look at,
-- $9 care from and $10 before, $11 key_end($9), $12 updated since, $13 at most
-- so many
with k as materialized (
	select d.i, d.type, d.wide, x.at, x.rid
	from unnest($2::smallint[], $3::bigint[], $4::bigint[],
		$5::timestamptz[], $6::bigint[]) with ordinality
		d(type, k, wide, at, rid, i)
	cross join lateral (
		select p.at, p.rid
		from post p
		where p.k = d.k and (p.at, p.rid) < (d.at, d.rid)
		order by p.at desc, p.rid desc
		limit $8) x
	order by d.i, x.at desc, x.rid desc
	limit $8
), m as materialized (
	select k.i, k.type, k.at, k.rid, r.ver, r.updated, r.refs,
		r.rid is not null and (k.at = '-infinity'
		or k.at < $10 and (k.at >= $9 or exists (
		select from post p
		where p.k = k.wide and p.at = k.at and p.rid = k.rid
			and p.aux > $11))) as dated
	from k
	left join res r on r.rid = k.rid
		and (r.tn = $1 and r.type = k.type and not r.deleted) is true
), s as materialized (
	select m.*, dated and updated >= $12
		and type = any($7::smallint[]) as fits
	from m
), o as materialized (
	select s.*, octet_length(v.body) as size
	from s left join ver v on v.rid = s.rid and v.ver = s.ver and s.fits
), f as materialized (
	select o.*, fits and count(*) filter (where fits) over w <= $13
		and sum(size) filter (where fits) over w - size <= 8388608
		as shown
	from o window w as (order by i, at desc, rid desc)
)
select f.type, f.at, f.rid, f.dated, f.fits, f.shown, f.refs, v.body
from f left join ver v on v.rid = f.rid and v.ver = f.ver and f.shown
order by f.i, f.at desc, f.rid desc

-- Those of the records $2 that are referred to and may be shown: no member of
-- the compartment, of type Patient only those in $4, and none that refers to a
-- Patient who is not in $4. rid, type, whether it is asked for, whether it comes
-- (8 MB do), what it refers to, the body when it comes. Index: res_rh, post_pkey, ver_pkey.
-- name: everything_referred
-- $2 rh, $3 readable types, $4 rh of Patients, $5 the number of Patient,
-- $6 lists by type number, $7 wanted types, $8 updated since, $9 at most so many
with o as materialized (
select r.rid, r.type, r.ver, f.fits, r.refs,
	sum(octet_length(v.body)) over (order by r.rid) as so_far
from unnest($2::bigint[]) d(rh)
join res r on r.rh = d.rh
	and (r.tn = $1 and not r.deleted and r.type = any($3::smallint[]))
	is true
cross join lateral (
	select r.updated >= $8 and r.type = any($7::smallint[])) f(fits)
left join ver v on v.rid = r.rid and v.ver = r.ver and f.fits
where (r.type <> $5 or r.rh = any($4::bigint[]))
and not exists (
	select from post p
	where p.k = ($6::bigint[])[r.type] and p.at = r.at and p.rid = r.rid)
and not exists (
	select from unnest(r.refs) x(rh)
	join res o on o.rh = x.rh and (o.tn = $1 and o.type = $5
		and o.rh <> all($4::bigint[])) is true)
order by r.rid
limit $9)
select o.rid, o.type, o.fits, o.fits and o.so_far <= 8388608, o.refs, v.body
from o left join ver v on v.rid = o.rid and v.ver = o.ver and o.fits
	and o.so_far <= 8388608
order by o.rid

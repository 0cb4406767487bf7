-- What _include and _revinclude bring along with a page: backend/fhir/
-- search_included.c. Columns of both: type, rid, body, how many were found, how
-- many rows were met on the way.

-- Records by id, in the order asked, ending behind so many bytes. Versions that
-- are named are looked up as such.
-- $1 tn, $2 types, $3 ids, $4 versions (0 = the current), $5 most rows,
-- $6 most bytes; res_pkey, ver_pkey.
-- name: include_records
select type, rid, body, n, n
from (
	select x.*, count(*) over () n,
		sum(octet_length(x.body)) over (order by x.i) so_far
	from (
		select w.i, r.type, r.rid, v.body
		from unnest(array_fill($1::int,
			array[cardinality($2::smallint[])]), $2::smallint[],
			$3::text[], $4::int[])
			with ordinality w(tn, type, id, ver, i)
		cross join lateral (
			select r.*
			from res r
			where r.tn = w.tn and r.type = w.type and r.id = w.id
			offset 0) r
		cross join lateral (
			select v.body
			from ver v
			where v.rid = r.rid and v.op <> 'D'
			and v.ver = case when w.ver = 0 then r.ver
				else w.ver end
			offset 0) v
		order by w.i
		limit $5) x) b
where so_far - octet_length(body) <= $6
order by i

-- Records of lists of postings, newest first, ending behind so many bytes. One
-- that a hash led to by chance is left out by its version's tenant and type.
-- $1 tn, $2 types of the lists, $3 their k, $4 most rows, $5 most bytes;
-- post_pkey, ver_pkey.
-- name: include_listed
with met as materialized (
	select d.type, p.rid, p.at
	from unnest($2::smallint[], $3::bigint[]) d(type, k)
	cross join lateral (
		select p.rid, p.at
		from post p
		where p.k = d.k
		order by p.at desc, p.rid desc
		limit $4) p
	limit 4 * $4
)
select type, rid, body, n, (select count(*) from met)
from (
	select x.*, count(*) over () n,
		sum(octet_length(x.body)) over (order by x.at desc, x.rid desc)
			so_far
	from (
		select m.type, m.rid, m.at, v.body
		from (select distinct type, rid, at from met) m
		cross join lateral (
			select v.*
			from ver v
			where v.rid = m.rid
			order by v.ver desc
			limit 1) v
		where (v.tn = $1 and v.type = m.type and v.op <> 'D') is true
		order by m.at desc, m.rid desc
		limit $4) x) b
where so_far - octet_length(body) <= $5
order by at desc, rid desc

-- The fixed statements of a search; its pages are built in
-- backend/fhir/search_sql.c.

-- The codes of one system that a token parameter has seen.
-- $1 tn, $2 type, $3 param, $4 most rows, $5 system; k, aux; dict_system.
-- name: search_dict_system
select k, aux
from dict
where tn = $1 and type = $2 and param = $3 and space = 0 and system = $5
limit $4

-- The displays and texts of a token parameter that are like a pattern.
-- $1 tn, $2 type, $3 param, $4 most rows, $5 pattern; k, aux; dict_text.
-- name: search_dict_text
select k, aux
from dict
where tn = $1 and type = $2 and param = $3 and space = 2 and code like $5
limit $4

-- How many postings each of several conditions has, counted up to a bound.
-- $1 number of the condition, $2 k, $3, $4 bounds of aux: arrays of equal
-- length; $5 bound. condition, count; post_pkey.
-- name: search_count_posts
select d.c, count(*)
from unnest($1, $2, $3, $4) d(c, k, aux_lo, aux_hi)
cross join lateral (
	select 1
	from post p
	where p.k = d.k and p.aux between d.aux_lo and d.aux_hi
	limit $5) x
group by d.c

-- The same of text ranges: $1 tn, $2 type, $3 condition, $4 param, $5, $6
-- bounds; $7 bound. str_pkey.
-- name: search_count_texts
select d.c, count(*)
from unnest($3, $4, $5, $6) d(c, param, lo, hi)
cross join lateral (
	select 1
	from str s
	where s.tn = $1 and s.type = $2 and s.param = d.param
	and s.v >= d.lo and s.v < d.hi
	limit $7) x
group by d.c

-- The same of date ranges: $1 tn, $2 type, $3 condition, $4 param, $5, $6
-- bounds of lo; $7 bound. dat_pkey.
-- name: search_count_dates
select d.c, count(*)
from unnest($3, $4, $5, $6) d(c, param, lo, hi)
cross join lateral (
	select 1
	from dat t
	where t.tn = $1 and t.type = $2 and t.param = d.param
	and t.lo >= d.lo and t.lo < d.hi
	limit $7) x
group by d.c

-- How many records of a type there are, up to a bound.
-- $1 tn, $2 type, $3 bound; count; res_walk.
-- name: search_count_type
select count(*)
from (
	select 1
	from res r
	where r.tn = $1 and r.type = $2 and not r.deleted
	limit $3) x

-- The key that seals cursors. value; setting_pkey.
-- name: search_cursor_key
select value
from setting
where name = 'cursor_key'

-- The number of records of a type.
-- $1 tn, $2 type; count; cnt_pkey.
-- name: search_total_type
select coalesce(sum(n), 0)::bigint
from cnt
where tn = $1 and type = $2

-- The fixed statements of a search; its pages are built in
-- backend/fhir/search_sql.c.

-- The codes of one system that a token parameter has seen.
-- $1 tn, $2 type, $3 param, $4 most rows, $5 system; k, aux; dict_code.
-- name: search_dict_system
select k, aux
from dict
where tn = $1 and type = $2 and param = $3 and space = 0 and system = $5
limit $4

-- The units of one system that some quantity parameters have seen.
-- $1 tn, $2 type, $3 params, $4 most rows, $5 system; code; dict_code.
-- name: search_dict_units
select distinct code
from dict
where tn = $1 and type = $2 and param = any ($3) and space = 0 and system = $5
limit $4

-- The URLs of a uri parameter that are at or below one.
-- $1 tn, $2 type, $3 param, $4 most rows, $5 URL, $6 after all that begin with
-- it; k, aux; dict_code.
-- name: search_dict_below
select k, aux
from dict
where tn = $1 and type = $2 and param = $3 and system = ''
and code >= $5 and code < $6 and space = 0
and (code = $5 or right($5, 1) = '/'
	or substr(code, length($5) + 1, 1) in ('/', '#', '?', '|'))
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
-- length; $5 bound, $6 the highest number. condition, count; post_pkey.
-- name: search_count_posts
select c.c, count(*)
from generate_series(0, $6) c(c)
cross join lateral (
	select 1
	from unnest($1, $2, $3, $4) d(c, k, aux_lo, aux_hi)
	cross join lateral (
		select 1
		from post p
		where p.k = d.k and p.aux between d.aux_lo and d.aux_hi
		limit $5) p
	where d.c = c.c
	limit $5) x
group by c.c

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

-- The same of patterns: $1 tn, $2 type, $3 condition, $4 param, $5 pattern;
-- $6 bound. str_trgm.
-- name: search_count_likes
select d.c, count(*)
from unnest($3, $4, $5) d(c, param, pattern)
cross join lateral (
	select 1
	from str s
	where s.tn = $1 and s.type = $2 and s.param = d.param
	and s.v like d.pattern
	limit $6) x
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

-- The same of numbers and quantities: $1 tn, $2 type, $3 condition, $4 param,
-- $5, $6 bounds of lo of those with two ends, $7, $8 of plain ones, $9 unit (0 =
-- any); $10 bound. qty_value, qty_code, qty_unit, qty_span.
-- name: search_count_measures
select d.c, count(*)
from unnest($3, $4, $5, $6, $7, $8, $9)
	d(c, param, lo_min, lo_max, at_min, at_max, unit)
cross join lateral (
	(select 1
	from qty q
	where q.tn = $1 and q.type = $2 and q.param = d.param and d.unit = 0
	and q.lo between d.at_min and d.at_max
	limit $10)
	union all (select 1
	from qty q
	where q.tn = $1 and q.type = $2 and q.param = d.param
	and q.code = d.unit and q.code <> 0
	and q.lo between d.at_min and d.at_max
	limit $10)
	union all (select 1
	from qty q
	where q.tn = $1 and q.type = $2 and q.param = d.param
	and q.unit = d.unit and q.unit <> 0
	and q.lo between d.at_min and d.at_max
	limit $10)
	union all (select 1
	from qty q
	where q.tn = $1 and q.type = $2 and q.param = d.param
	and q.lo <> q.hi and q.lo between d.lo_min and d.lo_max
	limit $10)) x
group by d.c

-- The same of composites: $1 condition, $2 k, $3, $4 bounds of lo of those with
-- two ends, $5, $6 of plain ones; $7 bound. cqty_value, cqty_span.
-- name: search_count_composites
select d.c, count(*)
from unnest($1, $2, $3, $4, $5, $6)
	d(c, k, lo_min, lo_max, at_min, at_max)
cross join lateral (
	(select 1
	from cqty q
	where q.k = d.k and q.lo between d.at_min and d.at_max
	limit $7)
	union all (select 1
	from cqty q
	where q.k = d.k and q.lo <> q.hi
	and q.lo between d.lo_min and d.lo_max
	limit $7)) x
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

-- The newest bodies of some records, in the order asked; null for one that is
-- not there (any more).
-- $1 tn, $2 type, $3 rids; rid, body; ver_pkey.
-- name: search_bodies
select d.rid, v.body
from unnest($3) with ordinality d(rid, n)
left join lateral (
	select case when v.tn = $1 and v.type = $2 and v.op <> 'D'
		then v.body end body
	from ver v
	where v.rid = d.rid
	order by v.ver desc
	limit 1) v on true
order by d.n

-- The key that seals cursors. value; setting_pkey.
-- name: search_cursor_key
select value
from setting
where name = 'cursor_key'

-- The number of records of some types.
-- $1 tn, $2 types; count; cnt_pkey.
-- name: search_total_type
select coalesce(sum(n), 0)::bigint
from cnt
where tn = $1 and type = any ($2)

-- `twocare reindex`: making search keys again, beside readers and writers. The
-- pages are compared by the statements of check.sql.

-- One at a time, until the session ends.
-- name: reindex_alone
select pg_try_advisory_lock(844252518, 0)

-- How far the last one came, of these rules.
-- name: reindex_place
-- $1 what, $2 rules
select tn, type, id, records, changed from reindex
where what = $1 and rules = $2

-- name: reindex_reach
-- $1 what, $2 rules, $3 tenant, $4 type, $5 id, $6 records, $7 changed
insert into reindex (what, rules, tn, type, id, records, changed)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (what) do update set rules = excluded.rules, tn = excluded.tn,
	type = excluded.type, id = excluded.id, records = excluded.records,
	changed = excluded.changed

-- name: reindex_end
-- $1 what
delete from reindex where what = $1

-- name: reindex_patience
set local statement_timeout = 0

-- The next records of a tenant and type, locked in the order in which writes
-- lock them. What they hold is read by another statement, after the wait for
-- those who held them. Index: res_pkey.
-- name: reindex_lock
-- $1 tenant, $2 type, $3 after this id, $4 at most so many, $5 of other rules
-- than these; null: of any
select rid from res
where tn = $1 and type = $2 and id > $3 and ($5::bigint is null or rules <> $5)
order by id limit $4 for no key update

-- As check_page, of locked records.
-- name: reindex_page
-- $1 tenant, $2 rids
select id, rid, deleted, at, has, rh, keys, auxs, refs, print, rules, body
from (
	select p.*, sum(size) over (order by id) so_far
	from (
		select r.*, v.body, coalesce(octet_length(v.body), 0) size
		from res r left join ver v on v.rid = r.rid and v.ver = r.ver
		where r.rid = any($2::bigint[]) and (r.tn = $1) is true) p) p
where so_far - size <= 4194304 order by id

-- What res holds of a record's keys.
-- name: reindex_record
-- $1 rid, $2 at, $3 has, $4 rh, $5 keys, $6 auxs, $7 refs, $8 print, $9 rules
update res set at = $2, has = $3, rh = $4, keys = $5, auxs = $6, refs = $7,
	print = $8, rules = $9
where rid = $1

-- Their keys are those of these rules, too.
-- name: reindex_same
-- $1 rids, $2 rules
update res set rules = $2 where rid = any($1::bigint[])

-- Rows of no record. A write makes a record and its keys in one transaction,
-- so what this statement sees is no half of one.
-- name: reindex_orphans
with d as (
	delete from dat t where not exists (
		select from res r where r.rid = t.rid and r.tn = t.tn)
	returning 1
), w as (
	delete from datw t where not exists (
		select from res r where r.rid = t.rid and r.tn = t.tn)
	returning 1
), s as (
	delete from str t where not exists (
		select from res r where r.rid = t.rid and r.tn = t.tn)
	returning 1
), q as (
	delete from qty t where not exists (
		select from res r where r.rid = t.rid and r.tn = t.tn)
	returning 1
), c as (
	delete from cqty t where not exists (
		select from res r where r.rid = t.rid)
	returning 1
)
select (select count(*) from d) + (select count(*) from w)
	+ (select count(*) from s) + (select count(*) from q)
	+ (select count(*) from c)

-- Postings that their record does not have. A write could only make one of
-- them valid by inserting it, which its primary key refuses.
-- name: reindex_postings
with p as (
	delete from post p
	where not exists (select from res r where r.rid = p.rid
		and r.at = p.at and exists (
			select from unnest(r.keys, r.auxs) u(k, aux)
			where u.k = p.k and u.aux = p.aux))
	returning 1
)
select count(*) from p

-- Totals, corrected by what they are more than the records: a writer's change
-- of both is in one snapshot or in none.
-- name: reindex_counts
with wrong as (
	select tn, type, sum(n) n from (
		select tn, type, n from cnt
		union all
		select tn, type, -1 from res where not deleted) x
	group by tn, type having sum(n) <> 0
), fixed as (
	insert into cnt (tn, type, shard, n) select tn, type, 0, -n from wrong
	on conflict (tn, type, shard) do update set n = cnt.n + excluded.n
	returning 1
)
select count(*) from fixed

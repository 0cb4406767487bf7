-- By which extraction programs all records of a type are known to be indexed.

-- name: rules_adopt
-- $1 types, $2 params, $3 hashes
insert into program (type, param, hash)
select * from unnest($1::smallint[], $2::smallint[], $3::bigint[])
where not exists (select from res)
on conflict (type, param) do update set hash = excluded.hash

-- Parameters that are gone keep their rows: a type has no more of them.
-- name: rules_reached
-- $1 types, $2 params, $3 hashes
insert into program (type, param, hash)
select * from unnest($1::smallint[], $2::smallint[], $3::bigint[])
on conflict (type, param) do update set hash = excluded.hash

-- name: rules_changed
-- $1 types, $2 params, $3 hashes: those of which older records may lack keys
select x.type, x.param
from unnest($1::smallint[], $2::smallint[], $3::bigint[]) x(type, param, hash)
left join program p on p.type = x.type and p.param = x.param
	and p.hash = x.hash
where p.hash is null order by x.type, x.param

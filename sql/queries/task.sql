-- Work that was asked for once (backend/platform/task.c).

-- name: task_room
-- $1 tenant, $2 client: asks of one client wait for each other until commit.
select pg_advisory_xact_lock(844252519, hashtext($1::int || ' ' || $2))

-- A row when there was room: at most $6 of a kind are open for one client.
-- name: task_add
-- $1 tenant, $2 client, $3 id, $4 kind, $5 input, $6 most. Index: task_client.
insert into task (tn, client, id, kind, input)
select $1, $2, $3, $4, $5
 where (select count(*) from task where tn = $1 and client = $2
	and kind = $4 and state = 'open') < $6::int
returning id

-- name: task_read
-- $1 tenant, $2 id. Index: task_pkey.
select id, kind, tn, client, state, input, place, why, turn, tries, created,
	ended, expires
  from task where id = $2 and tn = $1

-- name: task_cancel
-- $1 tenant, $2 id; a row when there was something to cancel or to take away.
update task set state = 'cancelled', ended = coalesce(ended, now()),
	expires = now() + interval '1 hour'
 where id = $2 and tn = $1 and state <> 'cancelled'
returning id

-- The one that waits longest, as task_read has it. Index: task_due.
-- name: task_claim
-- $1 kinds, $2 lease in seconds
update task set lease = now() + make_interval(secs => $2::int),
	turn = turn + 1,
	session = (select pid || ' ' || backend_start from pg_stat_activity
		where pid = pg_backend_pid())
 where id = (select id from task
	where state = 'open' and kind = any ($1::text[]) and due <= now()
	  and (lease <= now() or not exists (select from pg_stat_activity a
		where a.pid || ' ' || a.backend_start = session))
	order by due limit 1 for update skip locked)
returning id, kind, tn, client, state, input, place, why, turn, tries,
	created, ended, expires

-- How far it is, and the file it writes ($5 0: none). No row when it is not
-- ours any more.
-- name: task_keep
-- $1 id, $2 turn, $3 place, $4 lease in seconds
-- $5 file, $6 role, $7 type, $8 records, $9 bytes
with t as (
	update task set place = $3, tries = 0,
		lease = now() + make_interval(secs => $4::int)
	 where id = $1 and turn = $2 and state = 'open'
	returning id
), f as (
	insert into task_file (task, n, role, type, records, bytes)
	select id, $5::int, $6, $7, $8::bigint, $9::bigint from t where $5 > 0
	on conflict (task, n) do update set records = excluded.records,
		bytes = excluded.bytes
)
select id from t

-- Give it back: others have a turn, and it again after a while.
-- name: task_release
-- $1 id, $2 turn, $3 milliseconds, $4 1 after a failure, else 0
update task set lease = '-infinity', tries = tries + $4::int,
	due = now() + make_interval(secs => $3::int / 1000.0)
 where id = $1 and turn = $2 and state = 'open'

-- name: task_end
-- $1 id, $2 turn, $3 state, $4 why, $5 seconds until it goes
update task set state = $3, why = $4, lease = '-infinity', ended = now(),
	expires = now() + make_interval(secs => $5::int)
 where id = $1 and turn = $2 and state = 'open'

-- name: task_files
-- $1 id -> its files in their order. Index: task_file_pkey.
select n, role, type, records from task_file where task = $1 order by n

-- name: task_file
-- $1 id, $2 n. Index: task_file_pkey.
select role, type from task_file where task = $1 and n = $2

-- Which of these have rows, and whether somebody needs their files.
-- name: task_known
-- $1 ids. Index: task_pkey.
select id, state = 'open' or (state = 'done' and expires > now()) from task
 where id = any ($1::text[])

-- What has expired. Index: task_expires.
-- name: task_expire
delete from task where id in (select id from task
	where state <> 'open' and expires < now() order by expires limit 1000)

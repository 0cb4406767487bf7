-- The edge's state files and the periodic work.

-- name: state_versions
-- -> version of client, signing_key, revocation, in one row.
select max(version) filter (where part = 'client'),
       max(version) filter (where part = 'signing_key'),
       max(version) filter (where part = 'revocation')
  from state_version

-- name: state_key_make
-- $1 16 random bytes, kept when there is none yet.
insert into setting (name, value) values ('state_key', $1)
on conflict do nothing

-- name: state_key
-- -> the SipHash key of the state files.
select value from setting where name = 'state_key'

-- name: state_clients
-- $1 after this id, $2 at most so many: what clients.map lists. A client that
-- has just been disabled may be getting a token at this moment. A pool is named
-- by its tenant and its name, which is empty for the tenant's own; no client id
-- has a '/'.
select c.id, c.tier, c.limit_hour, c.limit_minute,
       case when c.pool is not null or t.pooled
           then t.tn || '/' || coalesce(c.pool, '') end as pool, c.status
  from client c join tenant t on t.tn = c.tn
 where c.id > $1
   and (c.status = 'active' or
        greatest(c.last_expiry, c.disabled + interval '2 minutes') > now())
 order by c.id limit $2

-- name: state_revocations
-- $1 after this seq, $2 at most so many: the unexpired ones.
select seq, kind, value, floor(extract(epoch from at))::bigint,
       ceil(extract(epoch from expires))::bigint
  from revocation where seq > $1 and expires > now()
 order by seq limit $2

-- name: state_keys
-- The public keys that verify: next, active, passive.
select kid, jwk from signing_key where state <> 'retired'
 order by created, kid

-- name: job_add
-- $1 kinds: a row for each that has none.
insert into job (kind) select unnest($1::text[]) on conflict do nothing

-- name: job_claim
-- $1 kinds that this binary knows, $2 lease in seconds -> kind, tries. By the
-- few rows of job.
update job set lease = now() + make_interval(secs => $2::int)
 where kind = (select kind from job
                where kind = any ($1::text[]) and due <= now()
                  and lease <= now()
                order by due limit 1 for update skip locked)
returning kind, tries

-- name: job_done
-- $1 kind, $2 seconds until it is due again.
update job set lease = '-infinity', tries = 0,
       due = now() + make_interval(secs => $2::int)
 where kind = $1

-- name: job_queue
-- -> how many kinds are due, and for how many microseconds the first has been.
select count(*)::int,
       coalesce(extract(epoch from now() - min(due)) * 1000000, 0)::bigint
  from job where due <= now()

-- name: job_failed
-- $1 kind, $2 seconds until it is tried again.
update job set lease = '-infinity', tries = tries + 1,
       due = now() + make_interval(secs => $2::int)
 where kind = $1

-- name: revocation_delete_expired
-- A bounded bite of what has expired. By revocation_expires.
delete from revocation where seq in
    (select seq from revocation where expires < now() - interval '5 minutes'
      order by expires limit 10000)

-- name: secret_delete_expired
-- Secrets that a rotation has ended, after a day.
delete from client_secret where expires < now() - interval '1 day'

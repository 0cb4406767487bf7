-- What administrators do with tenants and clients.

-- name: tenant_insert
-- $1 name -> tn; no row when the name is taken.
insert into tenant (name) values ($1) on conflict (name) do nothing
returning tn

-- name: tenant_list
-- All tenants with the number of their clients.
select t.tn, t.name, t.created,
       (select count(*) from client c where c.tn = t.tn) as clients,
       case when t.pooled then 'on' else 'off' end as pool
  from tenant t order by t.tn

-- name: tenant_set_pooled
-- $1 name, $2 'on' when its clients share windows -> tn when there is such a one.
update tenant set pooled = ($2::text = 'on') where name = $1 returning tn

-- name: tenant_by_name
-- $1 name -> tn.
select tn from tenant where name = $1

-- name: client_insert
-- $1 id, $2 tn, $3 name, $4 kind, $5 scopes, $6 tier, $7 hour, $8 minute,
-- $9 pool, $10 ttl.
insert into client (id, tn, name, kind, scopes, tier, limit_hour,
    limit_minute, pool, token_ttl_s)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: client_secret_insert
-- $1 client, $2 hash.
insert into client_secret (client, hash) values ($1, $2)

-- name: client_secret_overlap
-- $1 client, $2 days that the newest secret still lives; older ones end now.
update client_secret s
   set expires = case when s.created = (select max(n.created)
           from client_secret n where n.client = $1)
         then least(s.expires, now() + make_interval(days => $2::int))
         else now() end
 where s.client = $1 and (s.expires is null or s.expires > now())

-- name: client_list
-- $1 tenant name, or '' for all.
select c.id, t.name, c.name, c.kind, c.tier, c.limit_hour, c.limit_minute,
       c.pool, c.status, c.scopes, c.created,
       (select count(*) from client_secret s where s.client = c.id
         and (s.expires is null or s.expires > now())) as secrets
  from client c join tenant t on t.tn = c.tn
 where $1 = '' or t.name = $1
 order by t.tn, c.created, c.id

-- name: client_kind
-- $1 id -> kind, locked. By client's key.
select kind from client where id = $1 for update

-- name: client_tier
-- $1 id -> tier, locked. By client's key.
select tier from client where id = $1 for update

-- name: client_change
-- $1 id; $2 name, $3 scopes, $4 tier, $5 hour, $6 minute: null = as it is;
-- $7 pool, $8 ttl: null = as it is, '' = none.
update client
   set name = coalesce($2, name), scopes = coalesce($3, scopes),
       tier = coalesce($4, tier),
       limit_hour = case when coalesce($4, tier) = 'enterprise'
           then coalesce($5, limit_hour) end,
       limit_minute = case when coalesce($4, tier) = 'enterprise'
           then coalesce($6, limit_minute) end,
       pool = case when $7 is null then pool else nullif($7, '') end,
       token_ttl_s = case when $8 is null then token_ttl_s
           else nullif($8, '')::int end
 where id = $1

-- name: client_set_status
-- $1 id, $2 status -> the id when there is such a client.
update client
   set status = $2,
       disabled = case when $2 = 'disabled' then now() end
 where id = $1 returning id

-- Tokens that an administrator took without a client's secret.
-- name: audit_tokens
-- $1 tenant number, $2 who, $3 what
insert into audit (at, tn, client, sub, addr, request, op, type, id, rid, ver)
values (now(), $1, '', $2, '', 'admin token', 'T', 0, $3, 0, 0)

-- The authorization server: what a token request and its keys need.

-- name: token_client
-- $1 client id. A row per live secret, or one with a null hash; none when the
-- client does not exist. `kid` is the key that signs now. By client's key.
select c.tn, c.kind, c.scopes, c.status, c.token_ttl_s, c.last_expiry,
       (select kid from signing_key where state = 'active') as kid, s.hash
  from client c
  left join client_secret s
    on s.client = c.id and (s.expires is null or s.expires > now())
 where c.id = $1

-- name: token_last_expiry
-- $1 client id, $2 when the last of its tokens expires. By client's key.
update client set last_expiry = greatest(last_expiry, $2) where id = $1

-- name: key_sealed
-- $1 kid -> alg, sealed. By signing_key's key.
select alg, sealed from signing_key where kid = $1 and state <> 'retired'

-- name: key_lock
-- Serializes the changes of keys; released at commit.
lock table signing_key in share row exclusive mode

-- name: key_list
-- All keys, the newest first; age_s since the last change of state.
select kid, alg, state, jwk, created, changed,
       extract(epoch from now() - changed)::bigint as age_s
  from signing_key order by created desc, kid

-- name: key_insert
-- $1 kid, $2 alg, $3 state, $4 jwk, $5 sealed.
insert into signing_key (kid, alg, state, jwk, sealed)
values ($1, $2, $3, $4, $5)

-- name: key_set_state
-- $1 kid, $2 state.
update signing_key set state = $2, changed = now() where kid = $1

-- name: key_retire
-- $1 seconds that a key stays published after its last signature.
update signing_key set state = 'retired', changed = now()
 where state = 'passive' and changed < now() - make_interval(secs => $1::int)

-- name: key_retire_due
-- $1 as above -> whether there is one (so that nothing is touched for nothing).
select exists (select 1 from signing_key where state = 'passive'
   and changed < now() - make_interval(secs => $1::int))

-- name: token_life_longest
-- $1 the setting -> seconds until nothing issued until now can be valid, also
-- when lives were longer once.
select greatest($1::int, coalesce(max(token_ttl_s), 0),
       coalesce(ceil(extract(epoch from max(last_expiry) - now()))::int, 0))
  from client

-- name: revocation_insert
-- $1 kind, $2 value, $3 life of the record in seconds, $4 reason.
insert into revocation (kind, value, expires, reason)
values ($1, $2, now() + make_interval(secs => $3::int), $4)

-- The schema's own ledger; see backend/wire/migrate.c.

-- name: migration_lock
select pg_advisory_lock($1)

-- name: migration_unlock
select pg_advisory_unlock($1)

-- name: migration_exists
select to_regclass('schema_migration') is not null

-- name: migration_list
select version, checksum from schema_migration order by version

-- name: migration_add
-- $1 version, $2 name, $3 SHA-256 of the text
insert into schema_migration (version, name, checksum) values ($1, $2, $3)

-- A value that is made once per database and never changes.
-- name: setting_add
-- $1 name, $2 value
insert into setting (name, value) values ($1, $2) on conflict do nothing

-- name: setting_read
-- $1 name
select value from setting where name = $1

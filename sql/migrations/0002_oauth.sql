-- The authorization server: clients, their secrets, signing keys, revocations.

-- How often each part of what the edge knows has changed. `twocare jobs` asks
-- for these and writes the state file of a part whose version moved.
create table state_version (
	part	text primary key,	-- the table's name
	version	bigint not null
);
insert into state_version values
	('client', 1), ('signing_key', 1), ('revocation', 1);

-- A trigger fires before the statement and keeps the part's row locked until
-- commit: changes of one part are serial, and the identity values of
-- revocations are visible in their order, so that "seq > last" misses none.
create function state_changed() returns trigger language plpgsql as $$
begin
	update state_version set version = version + 1
	 where part = tg_table_name;
	perform pg_notify('twocare_state', '');
	return null;
end
$$;

-- Statuses and tiers are the words of the specification.
create table client (
	id		text collate "C" primary key,
	tn		int not null references tenant,
	name		text not null,
	kind		text not null check (kind in ('confidential', 'public')),
	scopes		text not null,		-- that it may have
	tier		text not null
	    check (tier in ('standard', 'professional', 'enterprise')),
	limit_hour	int check (limit_hour >= 0),	-- enterprise only; 0 = none
	limit_minute	int check (limit_minute >= 0),
	pool		text,			-- clients that share windows
	token_ttl_s	int,			-- null: the setting
	status		text not null default 'active'
	    check (status in ('active', 'disabled')),
	created		timestamptz not null default now(),
	disabled	timestamptz,
	last_expiry	timestamptz,		-- of its tokens: listed until then
	check ((tier = 'enterprise') = (limit_hour is not null)),
	check ((tier = 'enterprise') = (limit_minute is not null))
);
create index client_tn on client (tn);
-- Not for last_expiry: issuing tokens changes nothing that the edge knows.
create trigger client_state before insert or delete
    or update of tier, limit_hour, limit_minute, pool, status on client
    for each statement execute function state_changed();

-- Two secrets may live at once, for rotation without a gap.
create table client_secret (
	client	text collate "C" not null references client,
	hash	bytea not null,		-- HMAC-SHA-256 with the pepper
	created	timestamptz not null default now(),
	expires	timestamptz,
	primary key (client, hash)
);

-- next (published) -> active (signs) -> passive (verifies) -> retired (gone)
create table signing_key (
	kid	text collate "C" primary key,
	alg	text not null,
	state	text not null
	    check (state in ('next', 'active', 'passive', 'retired')),
	jwk	text not null,		-- public, as published
	sealed	bytea not null,		-- private PEM under master.key
	created	timestamptz not null default now(),
	changed	timestamptz not null default now()
);
create unique index signing_key_active on signing_key (state)
	where state = 'active';
create trigger signing_key_state before insert or update or delete
    on signing_key for each statement execute function state_changed();

create table revocation (
	seq	bigint generated always as identity primary key,
	kind	smallint not null,	-- enum state_revoked_kind
	value	text not null,
	at	timestamptz not null default now(),
	expires	timestamptz not null,
	reason	text not null default ''
);
create index revocation_expires on revocation (expires);
-- Not for delete: only what has expired is deleted, and the file's readers
-- know that by themselves.
create trigger revocation_state before insert or update on revocation
    for each statement execute function state_changed();

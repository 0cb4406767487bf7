-- The authorization server: clients, their secrets, signing keys, revocations.

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
	last_expiry	timestamptz		-- of its tokens: listed until then
);

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

create table revocation (
	seq	bigint generated always as identity primary key,
	kind	smallint not null,	-- enum state_revoked_kind
	value	text not null,
	at	timestamptz not null default now(),
	expires	timestamptz not null,
	reason	text not null default ''
);
create index revocation_expires on revocation (expires);

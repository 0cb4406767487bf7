-- Work that was asked for once, of the kinds in backend/jobs/tasks.c: a row is
-- claimed by pushing `lease` into the future and taking its next turn; what a
-- process of an older turn still wants to write is refused. A process that was
-- killed has no session any more, so nobody waits for its lease to run out.
create table task (
	id	text collate "C" primary key,	-- made by store_new_id
	kind	text not null,
	tn	int not null,
	client	text not null,
	state	text not null default 'open'
	    check (state in ('open', 'done', 'failed', 'cancelled')),
	input	text not null,		-- what was asked, in the kind's words
	place	text not null default '',	-- how far it is
	why	text not null default '',	-- of a failed one, for its client
	turn	bigint not null default 0,
	tries	int not null default 0,	-- failures since it last went on
	due	timestamptz not null default now(),
	lease	timestamptz not null default '-infinity',
	session	text not null default '',	-- that claimed it last
	created	timestamptz not null default now(),
	ended	timestamptz,
	expires	timestamptz		-- of one that has ended: then it goes
);
create index task_due on task (kind, due) where state = 'open';
create index task_client on task (tn, client, kind) where state = 'open';
create index task_expires on task (expires) where state <> 'open';

-- The files of a task, in the folder of its id.
create table task_file (
	task	text collate "C" not null references task on delete cascade,
	n	int not null,			-- its name, from 1
	role	text not null check (role in ('output', 'deleted', 'error')),
	type	text not null,			-- of the resources in it
	records	bigint not null,
	bytes	bigint not null,
	primary key (task, n)
);

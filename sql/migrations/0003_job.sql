-- Periodic work, one row per kind of the table in backend/jobs/kinds.c. A row
-- is claimed by pushing `lease` into the future; a process that dies leaves a
-- lease that runs out.
create table job (
	kind	text primary key,
	due	timestamptz not null default now(),
	lease	timestamptz not null default '-infinity',
	tries	int not null default 0		-- failures since the last success
);

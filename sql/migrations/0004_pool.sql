-- All clients of a pooled tenant share windows, but for those that are in a
-- pool of their own.
alter table tenant add column pooled boolean not null default false;

-- It is clients.map that changes.
create function tenant_pool_changed() returns trigger language plpgsql as $$
begin
	update state_version set version = version + 1 where part = 'client';
	perform pg_notify('twocare_state', '');
	return null;
end
$$;
create trigger tenant_state before update of pooled on tenant
    for each statement execute function tenant_pool_changed();

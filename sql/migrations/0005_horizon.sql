-- A version may not come from further back than this when it becomes visible to
-- others, as seen by the database's clock: so whoever reads can say from which
-- time on there may be versions that it did not see (query history_horizon).
create function late() returns interval language sql immutable
	as $$ select interval '5 s' $$;

-- True, or a serialization failure, upon which the writer takes a new time.
-- To be asked before the transaction's first write: then it has no number yet,
-- and readers do not count it among those they wait for. A transaction that has
-- locked rows before has a number, and chose its time afterwards.
create function in_time(updated timestamptz) returns boolean
language plpgsql as $$
begin
	if updated < (case when pg_current_xact_id_if_assigned() is null
		then clock_timestamp() else transaction_timestamp() end)
		- late()
	then
		raise exception 'written too late'
			using errcode = 'serialization_failure';
	end if;
	return true;
end
$$;

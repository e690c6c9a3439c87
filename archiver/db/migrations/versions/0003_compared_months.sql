-- Revision 0003: what is compared before a month goes stands once, for who drops it and for who only
-- asks; and it also misses the rows of batches of which no row is left.

-- What a month holds: the rows that are stored, the entries of batches that name it, how many of both
-- there are together, the batches, and the digest that archive.purge keeps. The month is whole where
-- stored, named and total are the same. Reads all of it; the rights of a reader are enough.
create function archive.compare_month(month date)
returns table (stored bigint, named bigint, total bigint, batches bigint, leaves_sha256 bytea)
language plpgsql stable strict
set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  begins timestamptz := date_trunc('month', month::timestamptz);
begin
  -- EXECUTE, for a plan of this month's values: it looks at no other partition.
  return query execute $query$
    with stored as (
      select batch_id, created_at, cluster_id, uid, revision from archive.revision
      where created_at >= $1 and created_at < $2
    ), named as (
      select b.batch_id, e.created_at, b.cluster_id, e.uid, e.revision, e.leaf
      from archive.batch b
      cross join unnest(b.created_at, b.uid, b.revision, b.leaf)
        as e (created_at, uid, revision, leaf)
      -- All that were written since the month was last dropped, also those of which no row is left;
      -- their arrays are in the order of created_at.
      where b.created_at[1] < $2 and b.created_at[b.count] >= $1
        and e.created_at >= $1 and e.created_at < $2
        and (b.batch_id in (select batch_id from stored) or b.written_at > coalesce(
          (select max(dropped_at) from archive.purge where month = $1::date), '-infinity'))
    ), by_batch as (
      select batch_id, count(s.revision) as stored, count(n.revision) as named, count(*) as total,
        sha256(string_agg(n.leaf, '' order by created_at, uid collate "C", revision)) as digest
      from stored s full join named n
        using (batch_id, created_at, cluster_id, uid, revision)
      group by batch_id
    )
    select coalesce(sum(stored), 0)::bigint, coalesce(sum(named), 0)::bigint,
      coalesce(sum(total), 0)::bigint, count(*),
      sha256(coalesce(string_agg(digest, '' order by batch_id), ''))
    from by_batch $query$
  using begins, begins + interval '1 month';
end $$;
revoke execute on function archive.compare_month from public;
grant execute on function archive.compare_month to archiver_reader;


-- Drops a month and returns what is left of it. For the owner, and not SECURITY DEFINER: whoever
-- could call it by mistake still owns no table. Whether resources of that month live, the database
-- cannot know: `archiver retention drop` asks the cluster first.
--
-- Errors: AR001 (month not there, not over, or held), AR002 (its rows and its batches disagree),
-- 55P03 (each of the attempts met somebody's lock for two seconds).
create or replace function archive.drop_month(month date, attempts integer default 5)
returns archive.purge
language plpgsql strict
set search_path = pg_catalog, pg_temp
set timezone = 'UTC' set datestyle = 'ISO' set lock_timeout = '2s' as $$
declare
  begins date := date_trunc('month', month::timestamp);
  part   text := 'revision_' || to_char(month, 'YYYYMM');
  held   text;
  seen   record;
  purged archive.purge;
begin
  if (begins + interval '1 month')::timestamptz > now() then
    raise exception 'month % is not over', to_char(month, 'YYYY-MM') using errcode = 'AR001';
  end if;
  -- That of ensure_month: the same month is not made while it goes.
  perform pg_advisory_xact_lock(hashtextextended('archive.ensure_month', 0));
  if not exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                 where i.inhparent = 'archive.revision'::regclass and c.relname = part) then
    raise exception 'the archive has no month %', to_char(month, 'YYYY-MM')
      using errcode = 'AR001';
  end if;
  -- Nobody places a hold between this look and the COMMIT.
  lock table archive.legal_hold in share mode;
  select string_agg(format('%L (%s)', h.name, h.reason), ', ' order by h.name) into held
  from archive.legal_hold h
  where h.lifted_at is null and coalesce(h.first_month <= begins, true)
    and coalesce(h.last_month >= begins, true);
  if held is not null then
    raise exception 'month % is under legal hold: %', to_char(month, 'YYYY-MM'), held
      using errcode = 'AR001';
  end if;

  -- Readers go on while the leaves are read; writers of this month wait, so that what is counted is
  -- what is dropped.
  execute format('lock table archive.%I in share mode', part);
  select * into seen from archive.compare_month(begins);
  if seen.stored <> seen.total or seen.named <> seen.total then
    raise exception 'month % has % rows, % entries of batches, and together % different ones',
      to_char(month, 'YYYY-MM'), seen.stored, seen.named, seen.total using errcode = 'AR002';
  end if;

  -- Not now(), which is before the locks were waited for: what was written meanwhile goes too.
  insert into archive.purge (month, dropped_at, count, batches, leaves_sha256)
  values (begins, clock_timestamp(), seen.stored, seen.batches, seen.leaves_sha256)
  returning * into purged;
  for attempt in 1 .. attempts loop
    begin
      -- Locks the parent too. Who comes to read meanwhile waits behind this, and no longer than
      -- lock_timeout; the pause lets them pass.
      execute format('drop table archive.%I', part);
      return purged;
    exception when lock_not_available then
      if attempt = attempts then
        raise;
      end if;
      perform pg_sleep(attempt);
    end;
  end loop;
  raise exception 'attempts is %, at least 1 is needed', attempts using errcode = 'AR001';
end $$;

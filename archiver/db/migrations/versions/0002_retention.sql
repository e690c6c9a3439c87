-- Revision 0002: months that are over their time are dropped, unless somebody holds them.

-- Written by the owner, in SQL. A hold covers whole months, both ends included; without an end it is
-- open on that side. It is lifted, not deleted: that there was one stays known.
create table archive.legal_hold (
  name        text        not null constraint legal_hold_pkey primary key,
  first_month date        constraint first_month_is_one
              check (first_month = date_trunc('month', first_month::timestamp)),
  last_month  date        constraint last_month_is_one
              check (last_month = date_trunc('month', last_month::timestamp)),
  reason      text        not null,
  placed_at   timestamptz not null default now(),
  placed_by   text        not null default session_user,
  lifted_at   timestamptz,
  constraint legal_hold_span check (first_month <= last_month)
);

-- What is left of a month. Its batches stay: leaves_sha256 can be made of them again, as the
-- SHA-256 over all batches, by batch_id, of the SHA-256 over the batch's leaves of this month, by
-- (created_at, uid, revision), text by its bytes. A month that was made again may be dropped again.
create table archive.purge (
  month         date        not null,
  dropped_at    timestamptz not null default now(),
  dropped_by    text        not null default session_user,
  count         bigint      not null constraint purge_count check (count >= 0),
  batches       bigint      not null constraint purge_batches check (batches >= 0),
  leaves_sha256 bytea       not null constraint purge_digest check (octet_length(leaves_sha256) = 32),
  constraint purge_pkey primary key (month, dropped_at)
);


-- Drops a month and returns what is left of it. For the owner, and not SECURITY DEFINER: whoever
-- could call it by mistake still owns no table. Whether resources of that month live, the database
-- cannot know: `archiver retention drop` asks the cluster first.
--
-- Errors: AR001 (month not there, not over, or held), AR002 (its rows and its batches disagree),
-- 55P03 (each of the attempts met somebody's lock for two seconds).
create function archive.drop_month(month date, attempts integer default 5) returns archive.purge
language plpgsql strict
set search_path = pg_catalog, pg_temp
set timezone = 'UTC' set datestyle = 'ISO' set lock_timeout = '2s' as $$
declare
  begins timestamptz := date_trunc('month', month::timestamptz);
  ends   timestamptz := date_trunc('month', month::timestamptz) + interval '1 month';
  part   text := 'revision_' || to_char(month, 'YYYYMM');
  held   text;
  stored bigint;
  named  bigint;
  total  bigint;
  purged archive.purge;
begin
  if ends > now() then
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
  where h.lifted_at is null and coalesce(h.first_month <= begins::date, true)
    and coalesce(h.last_month >= begins::date, true);
  if held is not null then
    raise exception 'month % is under legal hold: %', to_char(month, 'YYYY-MM'), held
      using errcode = 'AR001';
  end if;

  -- Readers go on while the leaves are read; writers of this month wait, so that what is counted is
  -- what is dropped.
  execute format('lock table archive.%I in share mode', part);
  execute format($query$
    with stored as (
      select batch_id, created_at, cluster_id, uid, revision from archive.%I
    ), named as (
      select b.batch_id, e.created_at, b.cluster_id, e.uid, e.revision, e.leaf
      from archive.batch b
      cross join unnest(b.created_at, b.uid, b.revision, b.leaf)
        as e (created_at, uid, revision, leaf)
      where b.batch_id in (select batch_id from stored)
        and e.created_at >= $1 and e.created_at < $2
    ), by_batch as (
      select batch_id, count(s.revision) as stored, count(n.revision) as named, count(*) as total,
        sha256(string_agg(n.leaf, '' order by created_at, uid collate "C", revision)) as digest
      from stored s full join named n
        using (batch_id, created_at, cluster_id, uid, revision)
      group by batch_id
    )
    select coalesce(sum(stored), 0), coalesce(sum(named), 0), coalesce(sum(total), 0), count(*),
      sha256(coalesce(string_agg(digest, '' order by batch_id), ''))
    from by_batch $query$, part)
  into stored, named, total, purged.batches, purged.leaves_sha256 using begins, ends;
  if stored <> total or named <> total then
    raise exception 'month % has % rows, % entries of batches, and together % different ones',
      to_char(month, 'YYYY-MM'), stored, named, total using errcode = 'AR002';
  end if;

  insert into archive.purge (month, count, batches, leaves_sha256)
  values (begins::date, stored, purged.batches, purged.leaves_sha256) returning * into purged;
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
revoke execute on function archive.drop_month from public;


grant select on archive.legal_hold, archive.purge to archiver_reader;

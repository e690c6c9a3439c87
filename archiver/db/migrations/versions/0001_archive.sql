-- Revision 0001: the archive. Forward-only: what is wrong here is mended by a later revision.

-- Two group roles; who logs in is the operator's business (GRANT archiver_writer TO …). They belong
-- to the server and not to this database, so another database may have made them already.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['archiver_writer', 'archiver_reader'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception when duplicate_object or unique_violation then
        null; -- made by the migration of another database at this very moment
      end;
    end if;
  end loop;
end $$;


-- Identity of this store. A mark names it, so that the marks of another store count for nothing.
create table archive.store (
  only_row   boolean     not null default true
             constraint store_pkey primary key
             constraint store_has_one_row check (only_row),
  store_id   uuid        not null default gen_random_uuid(),
  created_at timestamptz not null default now()
);
insert into archive.store default values;


-- Text for jsonb: U+FFFD stands for U+0000 and for lone surrogates, which jsonb cannot hold. Escaped
-- backslashes are respelled first, so that every backslash that is left begins an escape.
create function archive.with_stand_ins(document text) returns text
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
  select regexp_replace(replace(document, '\\', '\u005c'),
    '\\u(?:0000'
    || '|[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})'
    || '|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u)[dD][c-fC-F][0-9a-fA-F]{2})',
    '\\ufffd', 'g')
$$;

-- The object as people read it: evidence with its circumstances put back into metadata. `form` is
-- the row's json_form. No exception block: before PostgreSQL 17 none can be entered in a parallel
-- plan, and a function marked parallel unsafe would take parallelism from every query on the view,
-- whether it reads the manifest or not.
create function archive.manifest_of(content bytea, circumstances bytea, form text) returns jsonb
language plpgsql immutable strict parallel safe as $$
declare
  evidence text;
  beside   text;
  object   jsonb;
begin
  if form = 'none' then
    return null;
  end if;
  evidence := pg_catalog.convert_from(content, 'UTF8');
  beside := pg_catalog.convert_from(circumstances, 'UTF8');
  if form = 'stand-in' then
    evidence := archive.with_stand_ins(evidence);
    beside := archive.with_stand_ins(beside);
  end if;
  object := evidence::pg_catalog.jsonb;
  return pg_catalog.jsonb_set(
    object, '{metadata}', (object -> 'metadata') || beside::pg_catalog.jsonb);
end $$;

-- How these bytes become jsonb: as they are ('plain'), with U+FFFD for what jsonb cannot hold
-- ('stand-in'), or not at all ('none': too deep, no JSON). It is found out when a row is written,
-- where an exception block does no harm, so that no stored value can make a query fail.
create function archive.json_form_of(content bytea, circumstances bytea) returns text
language plpgsql immutable strict parallel unsafe as $$
declare
  form text;
begin
  foreach form in array array['plain', 'stand-in'] loop
    begin
      perform archive.manifest_of(content, circumstances, form);
      return form;
    exception when data_exception or program_limit_exceeded then
      null;
    end;
  end loop;
  return 'none';
end $$;


-- One row per revision of an object. Rows are only ever inserted; the newest revision is current.
create table archive.revision (
  created_at         timestamptz not null,
  cluster_id         uuid        not null,
  uid                text        not null
                     constraint uid_length check (octet_length(uid) between 1 and 128),
  revision           integer     not null
                     constraint revision_not_negative check (revision >= 0),
  resource_version   bigint      not null,
  generation         bigint      not null,
  completed_at       timestamptz not null,
  deleted_at         timestamptz,
  archived_at        timestamptz not null default now(),
  batch_id           uuid        not null,
  run_id             text        not null,
  id                 uuid        not null,
  namespace          text        not null,
  name               text        not null,
  api_version        text        not null,
  kind               text        not null,
  remediation_id     text,
  alert_fingerprint  text
                     constraint alert_fingerprint_length
                     check (octet_length(alert_fingerprint) <= 1024),
  processing_phases  jsonb       not null,
  enrichment_quality numeric,
  enrichment_sources text[],
  context_size_bytes bigint,
  environment        text
                     constraint environment_length check (octet_length(environment) <= 256),
  confidence         numeric
                     constraint confidence_range check (confidence between 0 and 1),
  business_priority  text,
  sla_requirement    text,
  routed_to_service  text,
  routing_priority   bigint,
  status             text,
  error_message      text,
  flags              text[]      not null default '{}',
  content            bytea       not null,
  circumstances      bytea       not null,
  -- STORED is spelled out: PostgreSQL 18 takes VIRTUAL otherwise.
  content_sha256     bytea       not null generated always as (sha256(content)) stored,
  -- The archiver has parsed the bytes and vouches that jsonb holds them as they are; a second parse
  -- here would double the cost of a row. Nobody vouches for rows written or changed by hand.
  vouched_plain      boolean     not null default false,
  json_form          text        not null generated always as
                     (case when vouched_plain then 'plain'
                           else archive.json_form_of(content, circumstances) end) stored,
  constraint revision_pkey primary key (created_at, cluster_id, uid, revision)
) partition by range (created_at);

do $$
begin
  alter table archive.revision alter content set compression lz4;
exception when feature_not_supported or invalid_parameter_value then
  null; -- a server built without lz4
end $$;
-- Slow-enrichment queries read it in every row: kept within the row as long as it fits.
alter table archive.revision alter processing_phases set storage main;

-- Few rows are a later revision of anything; the view asks this index alone whether there are any.
create index revision_later on archive.revision (created_at, cluster_id, uid, revision)
  where revision > 0;
create index revision_uid on archive.revision (uid);
create index revision_id on archive.revision (id);
-- By hash: an entry of a B-tree has a longest size, and these are as long as somebody made them.
create index revision_name on archive.revision using hash (name);
create index revision_remediation on archive.revision using hash (remediation_id);
create index revision_alert on archive.revision (alert_fingerprint, completed_at desc);
-- With the whole key and what is averaged, so that a span of time is read from the index alone.
create index revision_completed
  on archive.revision (completed_at, created_at, cluster_id, uid, revision)
  include (environment, confidence);
create index revision_enriching
  on archive.revision (((processing_phases -> 0 ->> 'durationNs')::bigint) desc);
-- text to interval is not immutable and cannot be indexed; the planner can at least know how many.
create statistics archive.revision_enriching_duration
  on ((processing_phases -> 0 ->> 'duration')::interval) from archive.revision;

-- An owner's UPDATE may put anything into content: what the archiver vouched for is void.
create function archive.revoke_voucher() returns trigger
language plpgsql as $$
begin
  new.vouched_plain := false;
  return new;
end $$;
create trigger revoke_voucher before update on archive.revision
  for each row execute function archive.revoke_voucher();


-- What one transaction inserted, in the order of the primary key of archive.revision. The arrays
-- run in parallel: one entry names one row, its leaf is the SHA-256 of all its columns.
create table archive.batch (
  batch_id   uuid          not null constraint batch_pkey primary key,
  cluster_id uuid          not null,
  run_id     text          not null,
  written_at timestamptz   not null default now(),
  count      integer       not null,
  created_at timestamptz[] not null,
  uid        text[]        not null,
  revision   integer[]     not null,
  leaf       bytea[]       not null,
  constraint batch_entries check (
    count > 0 and cardinality(created_at) = count and cardinality(uid) = count
    and cardinality(revision) = count and cardinality(leaf) = count)
);
create index batch_run on archive.batch (run_id);


-- Bytes that could not become a row, until a person has looked; the same bytes are kept once.
create table archive.quarantine (
  cluster_id    uuid        not null,
  raw_sha256    bytea       not null generated always as (sha256(raw)) stored,
  first_seen_at timestamptz not null default now(),
  run_id        text        not null,
  position      text        not null,
  uid           text        not null,
  reason        text        not null,
  message       text        not null,
  raw           bytea       not null,
  constraint quarantine_pkey primary key (cluster_id, raw_sha256)
);


-- Makes the partition of the UTC month of `at` and returns its name. Called before a transaction
-- that inserts, never in it: two inserters that each made a month would wait for one another.
create function archive.ensure_month(at timestamptz) returns text
language plpgsql strict security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC' set datestyle = 'ISO' set lock_timeout = '2s' as $$
declare
  month timestamptz := date_trunc('month', at);
  part  text := 'revision_' || to_char(month, 'YYYYMM');
begin
  if at < '2018-01-01' or month >= date_trunc('month', now()) + interval '3 months' then
    raise exception 'created_at % is outside the months that this archive keeps', at
      using errcode = 'datetime_field_overflow';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('archive.ensure_month', 0));
  -- Not to_regclass: a backend remembers "there is none" across the wait for the lock.
  if exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
             where i.inhparent = 'archive.revision'::regclass and c.relname = part) then
    return part;
  end if;
  -- Not PARTITION OF: its lock on the parent deadlocks with open readers; that of ATTACH does not.
  execute format('create table archive.%I (like archive.revision including all)', part);
  execute format('alter table archive.revision attach partition archive.%I for values from (%L) to (%L)',
                 part, month, month + interval '1 month');
  return part;
end $$;


-- What users query. Left out: content and circumstances (manifest shows both; the exact bytes are
-- for `archiver get`), batch_id (for `archiver verify`), and how manifest is made.
create view public.alert_processing_audit as
select r.id, r.remediation_id, r.alert_fingerprint, r.processing_phases, r.enrichment_quality,
  r.enrichment_sources, r.context_size_bytes, r.environment, r.confidence, r.business_priority,
  r.sla_requirement, r.routed_to_service, r.routing_priority, r.completed_at, r.status,
  r.error_message, r.cluster_id, r.namespace, r.name, r.uid, r.api_version, r.kind,
  r.resource_version, r.generation, r.created_at, r.deleted_at, r.archived_at, r.run_id, r.revision,
  r.content_sha256, r.flags,
  archive.manifest_of(r.content, r.circumstances, r.json_form) as manifest
from archive.revision r
where not exists (
  select from archive.revision later
  where later.created_at = r.created_at and later.cluster_id = r.cluster_id and later.uid = r.uid
    and later.revision > r.revision and later.revision > 0);
comment on view public.alert_processing_audit is
  'The audit record of each archived RemediationProcessing: its newest revision.';


-- The writer reads and inserts, and changes nothing. The reader reads, the exact bytes included:
-- they say no more than the view's manifest. Partitions need no grants: who goes through the
-- partitioned table is asked for its rights alone.
grant usage on schema archive to archiver_writer, archiver_reader;
grant select on archive.store, archive.schema_version to archiver_writer, archiver_reader;
grant select, insert on archive.revision, archive.batch, archive.quarantine to archiver_writer;
grant select on archive.revision, archive.batch, archive.quarantine to archiver_reader;
grant select on public.alert_processing_audit to archiver_reader;
revoke execute on all functions in schema archive from public;
grant execute on function archive.ensure_month to archiver_writer;
grant execute on function archive.json_form_of, archive.manifest_of, archive.with_stand_ins
  to archiver_writer, archiver_reader;

"""The composition root: builds the adapters from the settings and runs the pipeline."""

import dataclasses
import gc
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from archiver import log
from archiver.cli.cautions import cautions
from archiver.cli.emptied import is_emptied, place
from archiver.cli.gate import Inquiry
from archiver.cli.observing import observer
from archiver.cli.variables import unknown_variables
from archiver.domain import gotime
from archiver.domain.plan import Terms
from archiver.domain.policy import SECOND, Policy
from archiver.domain.report import Caution, RunReport
from archiver.domain.shard import Shard
from archiver.domain.tally import Settled, Tally
from archiver.errors import ArchiverError, Configuration, Forbidden
from archiver.limits import FOR_EVER, Limits
from archiver.pipeline import Stages, run
from archiver.ports import Marker, Source, Store
from archiver.pretend import PretendMarker, PretendStore
from archiver.settings import Settings
from archiver.sharding import ShardSource
from archiver.shutdown import Shutdown

if TYPE_CHECKING:
    from sqlalchemy import Engine

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """What a command line asks for. `dry_run` is none, client or server."""

    mode: str
    dry_run: str = "none"
    policy: Policy = field(default_factory=Policy)
    namespace: str | None = None
    selector: str | None = None
    files: Sequence[str] = ()
    shard: Shard | None = None


def execute(settings: Settings, task: Task, progress: Callable[[Settled], None]) -> RunReport:
    """Do the task. An error before the first page is in the report like any other."""
    started, run_id = time.time_ns(), str(uuid.uuid4())
    tally = Tally(observe=observer(progress, run_id, task.dry_run))
    cluster_id = store_id = ""
    source: Source | None = None
    inquiry = Inquiry()
    shard = None if task.shard is None else str(task.shard)
    stop = Shutdown(settings.deadline / SECOND, settings.grace / SECOND)
    stop.install()
    _log.info("run.started", run_id=run_id, mode=task.mode, dry_run=task.dry_run, shard=shard)
    try:
        store = open_store(settings, task, stop)
        source, marker = _source_and_marker(settings, task, stop, tally, inquiry=inquiry)
        cluster_id, store_id = source.cluster_id, store.store_id
        terms = Terms(task.policy, source.now, run_id, store_id)
        _collect_less()
        limits = Limits(settings.tries)
        if task.dry_run != "none":
            # The store remembers fewer of those that it pretends to hold.
            limits = dataclasses.replace(limits, believed=FOR_EVER, ahead=limits.ahead // 2)
        run(Stages(source, store, marker), terms, tally, stop, limits=limits)
    except ArchiverError as error:
        tally.fail(error)
    tally.gate = inquiry.end() or tally.gate
    result = tally.report(
        run_id=run_id,
        mode=task.mode if task.dry_run == "none" else f"{task.mode} --dry-run={task.dry_run}",
        cluster_id=cluster_id,
        store_id=store_id,
        started_at=gotime.to_datetime(started),
        seconds=(time.time_ns() - started) / SECOND,
    )
    others = source.others if isinstance(source, ShardSource) else 0
    result = dataclasses.replace(result, shard=task.shard, other_shards=others)
    result = dataclasses.replace(result, cautions=_cautions(settings, task, result))
    said = result.as_dict() | {"problems": len(result.problems)}
    _log.log(log.level_of(result.exit_code), "run.finished", **said)
    return result


def _cautions(settings: Settings, task: Task, result: RunReport) -> tuple[Caution, ...]:
    looked = None
    if not task.files and is_emptied(result, lambda: open_engine(settings)):
        looked = place(settings.resource, task.namespace, task.selector)
    return cautions(result, task.namespace, files=bool(task.files), emptied=looked)


def _collect_less() -> None:
    """What is imported stays, and what is decoded has no cycles: to look for some costs a tenth."""
    gc.freeze()
    gc.set_threshold(10_000)


def open_engine(settings: Settings) -> "Engine":
    """The database of the settings. Raises Configuration without one."""
    from archiver.db.engine import connect

    if not settings.database_url:
        raise Configuration(
            "no database: set ARCHIVER_DATABASE_URL or --database-url, such as "
            "postgresql://writer@host/audit"
        )
    return connect(settings.database_url, password_file=settings.database_password_file)


def open_store(settings: Settings, task: Task, stop: Shutdown) -> Store:
    """The store a task needs, after its rights, schema and durability have been checked."""
    from archiver.db.deadline import Limit
    from archiver.db.patience import A_FAILOVER, Patience
    from archiver.db.preflight import preflight
    from archiver.db.store import PostgresStore

    engine = open_engine(settings)
    writes = task.dry_run != "client"
    preflight(
        engine,
        writes=writes,
        allow_weak_durability=settings.allow_weak_durability,
        # Nothing is held yet that would have to be finished.
        limit=Limit(ended=stop.requested),
    )
    store = PostgresStore(
        engine,
        rollback=task.dry_run == "server",
        limit=Limit(settings.commit_timeout / SECOND, stop.expired),
        patience=Patience(A_FAILOVER.seconds, stop.requested),
    )
    if task.dry_run == "server":
        store.prove()
    return store if writes else PretendStore(store)


def _source_and_marker(
    settings: Settings, task: Task, stop: Shutdown, tally: Tally, *, inquiry: Inquiry
) -> tuple[Source, Marker | None]:
    source, marker = (
        _dump(settings, task, tally)
        if task.files
        else _cluster(settings, task, stop, tally, inquiry=inquiry)
    )
    return (source if task.shard is None else ShardSource(source, task.shard)), marker


def _dump(settings: Settings, task: Task, tally: Tally) -> tuple[Source, None]:
    from archiver.files.source import FileSource

    plural, _version, group = settings.resource_parts()
    source = FileSource(
        task.files,
        cluster_id=settings.cluster_id,
        group=group,
        plural=plural,
        kind=settings.kind,
        namespace=task.namespace,
        label_selector=task.selector,
        ignored=tally.ignored,
    )
    return source, None


def _cluster(
    settings: Settings, task: Task, stop: Shutdown, tally: Tally, *, inquiry: Inquiry
) -> tuple[Source, Marker]:
    from archiver.cli.cluster import open_cluster
    from archiver.kube.guard import Gate
    from archiver.kube.marker import KubeMarker
    from archiver.kube.rights import missing_rights

    source = open_cluster(settings, stop, namespace=task.namespace, selector=task.selector)
    client, group, plural = source.client, source.group, source.plural
    # A server that is away is waited for once, by a request that the run cannot do without.
    tally.gate = Gate.UNKNOWN
    _ = source.resource
    inquiry.begin(client, group, plural)
    if task.dry_run == "client":
        return source, PretendMarker()
    dry_run = task.dry_run == "server"
    if dry_run:
        missing = missing_rights(
            client,
            group=group,
            plural=plural,
            namespace=task.namespace,
            cluster_known=settings.cluster_id is not None,
        )
        if missing:
            raise Forbidden("; ".join(missing))
    return source, KubeMarker(
        client,
        source.resource,
        dry_run=dry_run,
        most_per_second=settings.max_marks_per_second,
        most_at_once=settings.workers,
    )


def configure_log(settings: Settings) -> None:
    """Log as the settings say, to standard error; and which variables are no settings."""
    log.configure(settings.log_level, settings.log_format)
    for name, meant in unknown_variables(os.environ).items():
        _log.warning("setting.unknown", variable=name, meant=meant)

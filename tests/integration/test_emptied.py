"""A run that finds nothing, in a cluster of which the archive has resources or has not."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, text
from structlog.testing import capture_logs

from archiver.cli import compose
from archiver.cli.compose import Task
from archiver.db.earlier import has_archived
from archiver.db.engine import connect
from archiver.db.store import PostgresStore
from archiver.domain.report import RunReport
from archiver.domain.shard import Shard
from archiver.errors import ArchiverError, Forbidden
from archiver.ports import Batch
from archiver.settings import Settings
from archiver.sharding import ShardSource
from archiver.shutdown import Shutdown
from tests.fakes.cluster import Calls, MemoryCluster
from tests.fakes.records import CLUSTER, record
from tests.fakes.world import NOW_NS, resource
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

Urls = dict[str, str]


@pytest.fixture
def urls(postgres_server: PostgresServer, database: Database) -> Urls:
    given = {who: postgres_server.url(database.name, who, who) for who in ("writer", "reader")}
    return given | {"owner": database.owner_url}


@pytest.fixture
def owner(urls: Urls) -> Iterator[Engine]:
    engine = connect(urls["owner"])
    yield engine
    engine.dispose()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryCluster]:
    """An empty one, which every run of this test reads."""
    made = MemoryCluster(Calls(), NOW_NS)
    made.cluster_id = CLUSTER

    def source_and_marker(_settings: Any, task: Task, *_: Any, **_more: Any) -> Any:
        return (made if task.shard is None else ShardSource(made, task.shard)), made

    monkeypatch.setattr(compose, "_source_and_marker", source_and_marker)
    # The handlers of signals and of garbage are the test session's.
    monkeypatch.setattr(Shutdown, "install", lambda _stop: None)
    monkeypatch.setattr(compose, "_collect_less", lambda: None)
    # A process ends with its connections; this one goes on.
    opened: list[Engine] = []

    def open_engine(settings: Settings) -> Engine:
        opened.append(connect(str(settings.database_url)))
        return opened[-1]

    monkeypatch.setattr(compose, "open_engine", open_engine)
    yield made
    for engine in opened:
        engine.dispose()


def archive_one(url: str, cluster_id: str) -> None:
    engine = connect(url)
    PostgresStore(engine).write(Batch("earlier", cluster_id, [record()]))
    engine.dispose()


def run(url: str, **task: Any) -> RunReport:
    settings = Settings(database_url=url, allow_weak_durability=True)
    return compose.execute(settings, Task("run", **task), lambda _settled: None)


@pytest.mark.parametrize(
    ("dry_run", "who"), [("none", "writer"), ("server", "writer"), ("client", "reader")]
)
def test_nothing_found_where_earlier_runs_have_archived_is_said(
    cluster: MemoryCluster, urls: Urls, dry_run: str, who: str
) -> None:
    archive_one(urls["writer"], cluster.cluster_id)
    with capture_logs() as logs:
        report = run(urls[who], dry_run=dry_run, selector="a==")
    assert (report.exit_code, report.found) == (0, 0)
    (caution,) = report.cautions
    assert caution.reason == "list.empty"
    place = "remediationprocessings.remediationprocessing.kubernaut.io in all namespaces"
    assert f"no {place} with the labels a==; but earlier runs have archived" in caution.message
    assert [log["looked"] for log in logs if log["event"] == "list.empty"] == [
        f"{place} with the labels a=="
    ]


def test_a_namespace_is_said_as_well(cluster: MemoryCluster, urls: Urls) -> None:
    archive_one(urls["writer"], cluster.cluster_id)
    cautions = {each.reason: each.message for each in run(urls["writer"], namespace="n").cautions}
    assert set(cautions) == {"namespace.empty", "list.empty"}
    assert "kubernaut.io in the namespace n; but" in cautions["list.empty"]


def test_nothing_found_in_a_cluster_that_is_new_is_well(cluster: MemoryCluster, urls: Urls) -> None:
    archive_one(urls["writer"], str(uuid4()))
    assert run(urls["writer"]).cautions == ()


@pytest.mark.parametrize("shard", [None, Shard(0, 2), Shard(1, 2)])
def test_where_there_is_something_the_archive_is_not_asked(
    cluster: MemoryCluster, urls: Urls, monkeypatch: pytest.MonkeyPatch, shard: Shard | None
) -> None:
    archive_one(urls["writer"], cluster.cluster_id)
    cluster.put(resource("a", hours_ago=1))
    monkeypatch.delattr("archiver.db.earlier.has_archived")
    report = run(urls["writer"], shard=shard)
    assert (report.exit_code, report.cautions) == (0, ())
    assert report.found + report.other_shards == 1


def test_an_archive_that_does_not_answer_changes_nothing(
    cluster: MemoryCluster, urls: Urls, owner: Engine
) -> None:
    archive_one(urls["writer"], cluster.cluster_id)
    with owner.begin() as connection:
        connection.execute(text("REVOKE SELECT ON archive.batch FROM archiver_reader"))
    reader = connect(urls["reader"])
    with pytest.raises(Forbidden):
        has_archived(reader, cluster.cluster_id)
    reader.dispose()
    report = run(urls["reader"], dry_run="client")
    assert (report.exit_code, report.cautions) == (0, ())


def test_a_cluster_id_that_is_no_uuid_is_an_error_of_the_archive(owner: Engine) -> None:
    with pytest.raises(ArchiverError, match="uuid"):
        has_archived(owner, "foo")


def test_the_question_ends_with_the_first_hit(cluster: MemoryCluster, owner: Engine) -> None:
    sent: list[Any] = []
    event.listen(owner, "before_cursor_execute", lambda *given: sent.append(given[2:4]))
    made = "INSERT INTO archive.batch SELECT gen_random_uuid(), :id, 'r', now(), 1, '{now}', '{u}',"
    made += " '{0}', '{x}' FROM generate_series(1, 5000)"
    with owner.begin() as connection:
        connection.execute(text(made), {"id": cluster.cluster_id})
    assert has_archived(owner, cluster.cluster_id)
    statement, given = sent[-1]
    with owner.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", given)
        (below,) = plan.scalar_one()[0]["Plan"]["Plans"]
    assert (below["Relation Name"], below["Actual Rows"]) == ("batch", 1)

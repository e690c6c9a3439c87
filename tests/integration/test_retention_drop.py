"""`archiver retention drop` as its users start it, with a small cluster and a real PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from archiver.db.engine import connect
from archiver.db.store import PostgresStore
from archiver.ports import Batch
from demo.apiserver import ApiServer
from demo.cluster import Cluster
from tests.fakes.records import record
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer
from tests.postgres.sql import execute, value
from tests.resources import as_stored, draw, written

OLD = (date(2019, 4, 1), date(2019, 5, 1))
YOUNG = date(2024, 1, 1)
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    """A cluster in which one completed resource of today lives."""
    cluster = Cluster()
    with ApiServer(cluster) as server:
        cluster.create(resource(datetime.now(UTC) - timedelta(hours=1)))
        yield server


def resource(born: datetime, **metadata: Any) -> dict[str, Any]:
    incident = draw(1, now=datetime.now(UTC), completed_ago=timedelta(hours=1), context_bytes=100)
    whole = as_stored(written(incident, "A"), creation_timestamp=f"{born:%Y-%m-%dT%H:%M:%SZ}")
    whole["metadata"] |= {"name": f"rp-{born:%Y%m%d}"} | metadata
    return whole


def cluster_id(server: ApiServer) -> str:
    found = server.cluster.served[("", "namespaces")]
    uid: str = server.cluster._objects[found]["/kube-system"]["metadata"]["uid"]
    return uid


@pytest.fixture
def owner_run(cluster: ApiServer, database: Database, tmp_path: Path) -> Run:
    """The command as the archive's owner; three months of the cluster are stored."""
    engine = connect(database.owner_url)
    born = [datetime(month.year, month.month, 9, tzinfo=UTC) for month in (*OLD, YOUNG)]
    records = [record(f"rp-{at:%Y%m%d}", created_at=at) for at in born]
    PostgresStore(engine).write(Batch("run-1", cluster_id(cluster), records))
    engine.dispose()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")} | {
        "KUBECONFIG": str(cluster.write_kubeconfig(tmp_path / "kubeconfig")),
        "ARCHIVER_DATABASE_URL": database.owner_url,
    }

    def run(*arguments: str, **more: str) -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "archiver", "retention", "drop", "-o", "json", *arguments]
        done = subprocess.run(
            command, env=environment | more, capture_output=True, text=True, check=False
        )
        (tmp_path / "log").write_text(done.stderr)
        return done.returncode, json.loads(done.stdout) if done.stdout else {"said": done.stderr}

    return run


def fates(report: dict[str, Any]) -> dict[str, str]:
    return {month["month"]: month["fate"] for month in report["months"]}


def left(database: Database) -> int:
    return int(str(value(database.owner_url, "SELECT count(*) FROM archive.revision")))


def test_months_over_their_time_go(owner_run: Run, database: Database) -> None:
    code, report = owner_run()
    assert (code, report["exitCode"], report["kind"]) == (0, 0, "RetentionReport")
    assert fates(report) == {"2019-04": "dropped", "2019-05": "dropped"}
    purged = {month["month"]: month["leavesSha256"] for month in report["months"]}
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT month, leaves_sha256 FROM archive.purge")).all()
    engine.dispose()
    assert {f"{month:%Y-%m}": bytes(digest).hex() for month, digest in kept} == purged
    assert left(database) == 1
    assert owner_run() == (0, report | {"months": []})


def test_what_has_to_be_kept_is_said_by_a_setting(owner_run: Run, database: Database) -> None:
    assert fates(owner_run(ARCHIVER_KEEP_MONTHS="1200")[1]) == {}
    code, report = owner_run("--before", "2024-02")
    assert code == 78
    assert "(keep_months is 84)" in report["error"]
    assert left(database) == 3


def test_an_earlier_limit(owner_run: Run, database: Database) -> None:
    assert fates(owner_run("--before", "2019-05")[1]) == {"2019-04": "dropped"}
    assert left(database) == 2


@pytest.mark.parametrize("kind", ["client", "server"])
def test_a_dry_run_says_the_same_and_drops_nothing(
    owner_run: Run, database: Database, kind: str
) -> None:
    code, report = owner_run(f"--dry-run={kind}")
    assert (code, report["dryRun"]) == (0, kind)
    assert fates(report) == {"2019-04": "dropped", "2019-05": "dropped"}
    assert left(database) == 3
    assert value(database.owner_url, "SELECT count(*) FROM archive.purge") == 0


def test_a_month_in_which_something_alive_was_born_stays(
    owner_run: Run, database: Database, cluster: ApiServer
) -> None:
    cluster.cluster.create(resource(datetime(2019, 4, 30, 23, 59, 59, tzinfo=UTC), uid="u-1"))
    code, report = owner_run()
    assert code == 1
    assert fates(report) == {"2019-04": "living", "2019-05": "dropped"}
    assert "rp-20190430 (uid u-1)" in report["months"][0]["why"]
    assert left(database) == 2


def test_what_is_alive_and_unreadable_is_known_by_its_uid(
    owner_run: Run, database: Database, cluster: ApiServer
) -> None:
    uid = record("rp-20190509").key.uid
    broken = resource(datetime(2019, 5, 9, tzinfo=UTC), uid=uid, creationTimestamp="yesterday")
    cluster.cluster.create(broken)
    code, report = owner_run()
    assert code == 1
    assert fates(report) == {"2019-04": "dropped", "2019-05": "living"}
    assert uid in report["months"][1]["why"]


def test_a_held_month_stays_and_the_others_go(owner_run: Run, database: Database) -> None:
    hold = "VALUES ('case-7', '2019-05-01', '2019-05-01', 'lawsuit')"
    execute(database.owner_url, f"INSERT INTO archive.legal_hold {hold}")
    code, report = owner_run()
    assert code == 0
    assert fates(report) == {"2019-04": "dropped", "2019-05": "held"}
    assert report["months"][1]["why"] == "legal hold 'case-7' (lawsuit)"
    assert left(database) == 2


def test_rows_of_a_cluster_that_was_not_asked(owner_run: Run, database: Database) -> None:
    other = "0b0e5a0e-6f0c-4d8b-9d70-6d4a3f0a9e11"
    engine = connect(database.owner_url)
    stray = record("stray", created_at=datetime(2019, 4, 20, tzinfo=UTC))
    PostgresStore(engine).write(Batch("run-1", other, [stray]))
    engine.dispose()
    code, report = owner_run()
    assert code == 1
    assert fates(report) == {"2019-04": "unknown", "2019-05": "dropped"}
    assert other in report["months"][0]["why"]
    assert fates(owner_run("--gone", other)[1]) == {"2019-04": "dropped"}


def test_the_writer_is_refused_before_anything_is_asked(
    owner_run: Run, database: Database, postgres_server: PostgresServer, cluster: ApiServer
) -> None:
    url = postgres_server.url(database.name, "writer", "writer")
    code, report = owner_run(ARCHIVER_DATABASE_URL=url)
    assert code == 78
    assert "does not own the archive" in report["error"]
    assert not cluster.cluster.requests
    assert left(database) == 3


def test_the_reader_may_rehearse(
    owner_run: Run, database: Database, postgres_server: PostgresServer
) -> None:
    url = postgres_server.url(database.name, "reader", "reader")
    code, report = owner_run("--dry-run=client", ARCHIVER_DATABASE_URL=url)
    assert (code, fates(report)) == (0, {"2019-04": "dropped", "2019-05": "dropped"})


def test_a_cluster_that_may_not_be_listed_drops_nothing(
    owner_run: Run, database: Database, cluster: ApiServer
) -> None:
    cluster.cluster.forbidden.add("list remediationprocessings")
    code, report = owner_run()
    assert code == 78
    assert report["months"] == []
    assert left(database) == 3


@pytest.mark.parametrize("kind", ["none", "client", "server"])
def test_a_damaged_month_is_named_and_stops_no_other(
    owner_run: Run, database: Database, kind: str
) -> None:
    change = "UPDATE archive.revision SET revision = 7 WHERE name = 'rp-20190409'"
    execute(database.owner_url, change)
    code, report = owner_run(f"--dry-run={kind}")
    assert (code, report["exitCode"], report["error"]) == (65, 65, None)
    assert fates(report) == {"2019-04": "damaged", "2019-05": "dropped"}
    assert "month 2019-04 has 1 rows, 1 entries of batches" in report["months"][0]["why"]
    assert left(database) == (2 if kind == "none" else 3)


def test_dry_runs_name_the_rows_and_the_digest_that_the_drop_leaves(owner_run: Run) -> None:
    runs = [owner_run(f"--dry-run={kind}")[1]["months"] for kind in ("client", "server", "none")]
    assert runs[0] == runs[1] == runs[2]
    assert [month["count"] for month in runs[0]] == [1, 1]


def test_the_month_at_which_it_ended_early_is_named(owner_run: Run, database: Database) -> None:
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        # A reader who stays for longer than all attempts.
        connection.execute(text("LOCK TABLE archive.revision_201905 IN ACCESS SHARE MODE"))
        code, report = owner_run()
    engine.dispose()
    assert code == 75
    assert fates(report) == {"2019-04": "dropped", "2019-05": "failed"}
    assert report["months"][1]["why"] == report["error"]
    assert "55P03" in report["error"]
    assert left(database) == 2


def test_a_month_is_logged_when_it_is_done(
    owner_run: Run, database: Database, tmp_path: Path
) -> None:
    change = "UPDATE archive.revision SET revision = 7 WHERE name = 'rp-20190509'"
    execute(database.owner_url, change)
    owner_run()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    logged = [line for line in lines if line["event"].startswith("month.")]
    assert [(line["month"], line["fate"], line["level"], line["rows"]) for line in logged] == [
        ("2019-04", "dropped", "info", 1),
        ("2019-05", "damaged", "error", None),
    ]

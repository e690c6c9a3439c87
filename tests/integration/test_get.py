"""`archiver get` at the command line: what it gives back, and what it says where it cannot."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from archiver.db.engine import connect
from archiver.db.store import PostgresStore
from archiver.ports import Batch, Quarantined
from tests.fakes.records import BORN, CLUSTER, record
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

NIL = "00000000-0000-0000-0000-000000000000"
Get = Callable[..., tuple[int, str, str]]


@pytest.fixture
def get(postgres_server: PostgresServer, database: Database) -> Get:
    url = postgres_server.url(database.name, "reader", "reader")

    def run(*arguments: str) -> tuple[int, str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")}
        done = subprocess.run(
            [sys.executable, "-m", "archiver", "get", *arguments],
            env=environment | {"ARCHIVER_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_url)
    yield engine
    engine.dispose()


def keep(owner: Engine, *items: Quarantined) -> None:
    PostgresStore(owner).write(Batch("run-1", CLUSTER, [record("good")], items))


def execute(owner: Engine, statement: str) -> None:
    with owner.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("output", ["yaml", "json"])
def test_a_row_whose_bytes_cannot_be_read_is_one_line_and_65(
    get: Get, owner: Engine, output: str
) -> None:
    broken = record("broken", content=b'{"metadata":{')
    PostgresStore(owner).write(Batch("run-1", CLUSTER, [broken]))
    code, out, err = get("broken", "-o", output)
    assert (code, out) == (65, "")
    assert err.count("\n") == 1
    assert "kubernaut/broken" in err
    assert "revision 0" in err


def test_a_newer_schema_is_said_and_not_taken_for_an_empty_archive(get: Get, owner: Engine) -> None:
    execute(owner, "UPDATE archive.schema_version SET version_num = '9999'")
    code, _, err = get("anything")
    assert code == 78
    assert "9999" in err
    assert "nothing is archived" not in err


def test_what_is_quarantined_under_that_name_is_mentioned(get: Get, owner: Engine) -> None:
    keep(owner, Quarantined("kubernaut/bad", "too-deep", "nested too deep", b"[[", uid="u"))
    code, out, err = get("bad", "-n", "kubernaut")
    assert (code, out) == (78, "")
    assert "kubernaut/bad: too-deep" in err


def test_a_revision_that_is_not_there_is_said_and_those_that_are(get: Get, owner: Engine) -> None:
    store = PostgresStore(owner)
    store.write(Batch("run-1", CLUSTER, [record("good"), record("once")]))
    store.write(Batch("run-2", CLUSTER, [record("good", body="later", resource_version=101)]))
    uid = record("good").key.uid
    code, out, err = get("good", "--revision", "77", "-o", "json")
    assert (code, out) == (78, "")
    assert err == (
        f"archiver: there is no revision 77: kubernaut/good (uid {uid}) has the revisions 0 to 1\n"
    )
    assert "has the revision 0 alone" in get("once", "--revision", "1")[2]
    assert "nothing is archived under the name or uid 'never'" in get("never", "--revision", "1")[2]
    assert get("good", "--revision", "1")[0] == 0
    assert get("good", "--revision", "99999999999")[0] == 78


def test_a_revision_of_an_older_object_of_that_name_is_not_taken_for_the_youngest_ones(
    get: Get, owner: Engine
) -> None:
    store, young = PostgresStore(owner), record("good", uid="young", created_at=BORN)
    old = {"uid": "old", "created_at": BORN - timedelta(days=1)}
    store.write(Batch("run-1", CLUSTER, [record("good", **old), young]))
    store.write(Batch("run-2", CLUSTER, [record("good", body="b", resource_version=101, **old)]))
    code, out, err = get("good", "--revision", "1")
    assert (code, out) == (78, "")
    assert "there is no revision 1 of the youngest; name one by its uid: " in err
    assert "(uid young) has the revision 0 alone" in err
    assert "(uid old) has the revisions 0 to 1" in err
    assert get("old", "--revision", "1")[0] == 0
    code, _, err = get("good", "--revision", "0")
    assert (code, err) == (0, "also: kubernaut/good uid old\n")


def test_what_another_cluster_has_quarantined_is_not_said_of_one(get: Get, owner: Engine) -> None:
    keep(owner, Quarantined("kubernaut/bad", "too-deep", "nested too deep", b"[[", uid="u"))
    assert "too-deep" in get("bad", "--cluster-id", CLUSTER)[2]
    assert "too-deep" not in get("bad", "--cluster-id", NIL)[2]


def test_of_an_object_from_two_clusters_the_known_ones_is_shown_and_both_are_named(
    get: Get, owner: Engine
) -> None:
    store, uid = PostgresStore(owner), record("good").key.uid
    store.write(Batch("run-1", NIL, [record("good", body="older")]))
    store.write(Batch("run-2", CLUSTER, [record("good", body="final", resource_version=200)]))
    code, out, err = get(uid, "-o", "json")
    assert (code, "final" in out, "older" in out) == (0, True, False)
    assert err == f"also: kubernaut/good uid {uid}, unknown cluster\n"
    assert "older" in get(uid, "--cluster-id", NIL, "-o", "json")[1]
    assert get(uid, "--cluster-id", CLUSTER, "-o", "json")[1:] == (out, "")
    code, _, err = get(uid, "--revision", "1")
    assert code == 78
    assert f"kubernaut/good (uid {uid}), cluster {CLUSTER} has the revision 0 alone" in err
    assert f"kubernaut/good (uid {uid}), unknown cluster has the revision 0 alone" in err


def test_a_cluster_that_has_it_not_and_one_that_is_no_uuid_are_78(get: Get, owner: Engine) -> None:
    keep(owner)
    code, out, err = get("good", "-n", "kubernaut", "--cluster-id", NIL)
    assert (code, out) == (78, "")
    assert f"'good' in namespace kubernaut of cluster {NIL}" in err
    code, _, err = get("good", "--cluster-id", "prod")
    assert code == 78
    assert "cluster_id (ARCHIVER_CLUSTER_ID): 'prod'" in err


def test_one_uid_born_twice_is_told_apart_by_its_births(get: Get, owner: Engine) -> None:
    first, store = record("good"), PostgresStore(owner)
    store.write(Batch("run-1", CLUSTER, [first]))
    store.write(Batch("run-2", CLUSTER, [record("good", created_at=BORN + timedelta(minutes=1))]))
    born = f"{BORN:%Y-%m-%dT%H:%M:%SZ}"
    code, _, err = get("good")
    assert (code, err) == (0, f"also: kubernaut/good uid {first.key.uid}, created {born}\n")


def test_a_quarantined_state_beside_an_archived_one_is_mentioned(get: Get, owner: Engine) -> None:
    uid = record("good").key.uid
    keep(owner, Quarantined("x.jsonl line 3", "order-unknown", "another state", b"{}", uid=uid))
    code, out, err = get("good")
    assert code == 0
    assert "name: good" in out
    assert "x.jsonl line 3: order-unknown" in err

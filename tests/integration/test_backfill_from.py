"""`archiver backfill --from`: dumps at the command line, into a real PostgreSQL."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from archiver.db.engine import connect
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer
from tests.resources import as_stored, draw, written

CLUSTER = "7f9c2a52-3f0e-4a53-9b7e-0d5f4f0f7a11"
NOW = datetime.now(UTC)
Backfill = Callable[..., tuple[int, dict[str, Any]]]


def resource(number: int, *, days: int = 3, **metadata: Any) -> dict[str, Any]:
    ago = timedelta(days=days)
    incident = draw(number, now=NOW, completed_ago=ago, name=f"rp-{number}", context_bytes=500)
    created = (NOW - timedelta(days=days, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole = as_stored(written(incident, "A"), creation_timestamp=created)
    whole["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": str(number)} | metadata
    return whole


THREE = [resource(1), resource(2, days=30), resource(3, namespace="other", labels={"team": "sre"})]


@pytest.fixture
def backfill(postgres_server: PostgresServer, database: Database) -> Backfill:
    url = postgres_server.url(database.name, "writer", "writer")

    def run(*arguments: str, given: bytes = b"") -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "archiver", "backfill", "-o", "json", *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")}
        done = subprocess.run(
            [*command, "--cluster-id", CLUSTER],
            env=environment | {"ARCHIVER_DATABASE_URL": url},
            input=given,
            capture_output=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    return run


def manifests(database: Database) -> dict[str, Any]:
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT uid, manifest FROM alert_processing_audit"))
        stored: dict[str, Any] = dict(tuple(row) for row in found)
    engine.dispose()
    return stored


def evidence(whole: dict[str, Any]) -> dict[str, Any]:
    kept = {
        k: v for k, v in whole["metadata"].items() if k not in ("resourceVersion", "managedFields")
    }
    return {**whole, "metadata": kept}


def as_list(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


@pytest.mark.parametrize(
    "dump",
    [
        ("list.json", json.dumps(as_list(*THREE), indent=4).encode()),
        ("list.json.gz", gzip.compress(json.dumps(as_list(*THREE)).encode())),
        ("list.yaml", yaml.safe_dump(as_list(*THREE)).encode()),
        ("lists.json", json.dumps(as_list(THREE[0], as_list(*THREE[1:]))).encode()),
        ("each.yaml", yaml.safe_dump_all(THREE).encode()),
        ("lines.jsonl", b"".join(json.dumps(each).encode() + b"\n" for each in THREE)),
    ],
)
def test_every_form_gives_the_same_records(
    backfill: Backfill, database: Database, tmp_path: Path, dump: tuple[str, bytes]
) -> None:
    name, content = dump
    (tmp_path / name).write_bytes(content)
    code, report = backfill("--from", str(tmp_path / name))
    assert (code, report["counts"]["archived"]) == (0, 3)
    assert manifests(database) == {each["metadata"]["uid"]: evidence(each) for each in THREE}


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_whatever_times_it_says_a_client_in_any_zone_reads_the_rows(
    backfill: Backfill, database: Database, zone: str
) -> None:
    said = ("0001-01-01T00:00:00Z", "0001-01-01T03:00:00Z", "9999-12-31T23:59:59Z")
    dump = [resource(n, deletionTimestamp=at) for n, at in enumerate(said)]
    for whole, at in zip(dump, said, strict=True):
        whole["status"] |= {"completedAt": at, "completionTime": at}
    code, report = backfill("--from", "-", given=json.dumps(as_list(*dump)).encode())
    assert (code, report["counts"]["archived"]) == (0, 3)
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        connection.execute(text(f"SET LOCAL TimeZone = '{zone}'"))
        rows = connection.execute(text("SELECT * FROM alert_processing_audit ORDER BY uid")).all()
    engine.dispose()
    assert [row.flags[0] for row in rows] == ["zero-time:completed_at"] + [
        "not-a-time:completed_at"
    ] * 2


def test_a_directory_and_standard_input(backfill: Backfill, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(THREE[0]))
    (tmp_path / "b.json").write_text(json.dumps(as_list(THREE[1])))
    assert backfill("--from", str(tmp_path))[1]["counts"]["archived"] == 2
    code, report = backfill("--from", "-", given=json.dumps(as_list(*THREE)).encode())
    counts = report["counts"]
    assert (code, counts["found"], counts["archived"], counts["already"]) == (0, 3, 1, 2)


def test_a_dump_of_another_cluster_is_refused_and_nothing_of_it_is_stored(
    backfill: Backfill, database: Database, tmp_path: Path
) -> None:
    uid = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
    metadata = {"name": "kube-system", "uid": uid}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    dump = json.dumps(as_list(*THREE, namespace))
    (tmp_path / "x.json").write_text(dump)
    for arguments, given in ((str(tmp_path / "x.json"), b""), ("-", dump.encode())):
        code, report = backfill("--from", arguments, given=given)
        assert (code, report["counts"]["archived"]) == (78, 0)
        assert all(each in report["error"] for each in (uid, CLUSTER, "item 4", "--cluster-id"))
    assert manifests(database) == {}


@pytest.mark.parametrize("dry_run", [[], ["--dry-run=server"]], ids=["real", "dry"])
def test_a_uid_with_two_creation_times_is_quarantined_and_both_are_said(
    backfill: Backfill, database: Database, tmp_path: Path, dry_run: list[str]
) -> None:
    one = resource(1)
    born = one["metadata"]["creationTimestamp"]
    other = resource(1, creationTimestamp="2026-01-02T03:04:05Z")
    dump = tmp_path / "x.json"
    dump.write_text(json.dumps(as_list(one, other, THREE[1])))
    code, report = backfill("--from", str(dump), *dry_run)
    counts = report["counts"]
    assert (code, counts["archived"], counts["quarantined"]) == (1, 2, 1)
    (problem,) = report["problems"]
    assert (problem["uid"], problem["reason"]) == ("uid-1", "refused-by-store")
    assert all(at in problem["message"] for at in (born, "2026-01-02T03:04:05Z"))
    assert len(manifests(database)) == (0 if dry_run else 2)


def test_the_same_file_twice_adds_nothing(backfill: Backfill, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(as_list(*THREE)))
    backfill("--from", str(tmp_path / "x.json"))
    code, report = backfill("--from", str(tmp_path / "x.json"))
    assert (code, report["counts"]["already"]) == (0, 3)
    assert not any(report["effects"].values())


@pytest.mark.parametrize(
    "narrowed",
    [
        (["-n", "other"], {"uid-3"}),
        (["-l", "team=sre"], {"uid-3"}),
        (["-l", "team!=sre"], {"uid-1", "uid-2"}),
        (["--since", (NOW - timedelta(days=10)).isoformat()], {"uid-1", "uid-3"}),
        (["--until", (NOW - timedelta(days=10)).isoformat()], {"uid-2"}),
    ],
)
def test_it_is_narrowed_as_a_cluster_is(
    backfill: Backfill, database: Database, tmp_path: Path, narrowed: tuple[list[str], set[str]]
) -> None:
    flags, uids = narrowed
    (tmp_path / "x.json").write_text(json.dumps(as_list(*THREE)))
    assert backfill("--from", str(tmp_path / "x.json"), *flags)[0] == 0
    assert set(manifests(database)) == uids


@pytest.mark.parametrize(
    "resource_name",
    ["signalprocessings.remediationprocessing.kubernaut.io", "remediationprocessings.kubernaut.ai"],
)
def test_a_dump_without_one_such_resource_is_a_mistake(
    backfill: Backfill, tmp_path: Path, resource_name: str
) -> None:
    (tmp_path / "x.json").write_text(json.dumps(as_list(*THREE)))
    code, report = backfill("--from", str(tmp_path / "x.json"), "--resource", resource_name)
    assert (code, report["counts"]["found"], report["ignored"]) == (78, 0, 3)
    kind = "RemediationProcessing.remediationprocessing.kubernaut.io"
    assert report["ignoredKinds"] == {kind: 3}
    assert f"3 {kind}" in report["error"]


def test_a_kind_of_another_plural_is_named(
    backfill: Backfill, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_text(json.dumps(as_list(*THREE)))
    odd = ["--resource", "processes.remediationprocessing.kubernaut.io"]
    code, report = backfill(
        "--from", str(tmp_path / "x.json"), *odd, "--kind", "RemediationProcessing"
    )
    assert (code, report["counts"]["archived"], report["ignored"]) == (0, 3, 0)
    assert len(manifests(database)) == 3


def test_good_lines_before_and_after_a_bad_one_are_stored(
    backfill: Backfill, database: Database, tmp_path: Path
) -> None:
    whole = [json.dumps(each) for each in THREE]
    lines = [whole[0], '{"not": json}', whole[1], whole[2][:200]]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    code, report = backfill("--from", str(tmp_path / "x.jsonl"))
    assert (code, report["counts"]["archived"], report["counts"]["quarantined"]) == (1, 2, 2)
    assert [problem["object"].rpartition(" line ")[2] for problem in report["problems"]] == [
        "2",
        "4",
    ]
    assert set(manifests(database)) == {"uid-1", "uid-2"}


def test_an_older_state_does_not_replace_a_newer_one(
    backfill: Backfill, database: Database, tmp_path: Path
) -> None:
    newer, older = resource(7), resource(7)
    older["metadata"]["resourceVersion"] = "6"
    older["status"] = {**older["status"], "message": "an earlier word"}
    for number, each in enumerate((newer, older)):
        (tmp_path / f"{number}.json").write_text(json.dumps(each))
    backfill("--from", str(tmp_path / "0.json"))
    code, report = backfill("--from", str(tmp_path / "1.json"))
    assert (code, report["counts"]["already"], report["effects"]["superseded"]) == (0, 1, 1)
    assert manifests(database)["uid-7"] == evidence(newer)


def test_a_state_between_two_equal_ones_is_found_by_its_flag(
    backfill: Backfill, database: Database, tmp_path: Path
) -> None:
    """The object said the first state again after the second, and nothing of that is kept."""
    first, between, again = (resource(7, resourceVersion=version) for version in "567")
    between["status"] = {**between["status"], "message": "a word in between"}
    for name, each in (("first", first), ("between", between), ("again", again)):
        (tmp_path / name).write_text(json.dumps(each))
    assert backfill("--from", str(tmp_path / "first"))[1]["warnings"] == []
    assert backfill("--from", str(tmp_path / "again"))[1]["counts"]["already"] == 1
    code, report = backfill("--from", str(tmp_path / "between"))
    assert (code, report["effects"]["revised"]) == (0, 1)
    assert [each["reason"] for each in report["warnings"]] == ["order.unproven"]
    assert manifests(database)["uid-7"] == evidence(between)
    flagged = (
        "SELECT uid FROM alert_processing_audit WHERE 'order-by-resource-version' = ANY(flags)"
    )
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        assert connection.scalars(text(flagged)).all() == ["uid-7"]
    engine.dispose()


def test_two_states_without_a_resource_version_are_both_kept(
    backfill: Backfill, database: Database, tmp_path: Path
) -> None:
    first, second = resource(7, resourceVersion=""), resource(7, resourceVersion="")
    second["status"] = {**second["status"], "message": "another word"}
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (first, second)))
    for outcome in ("archived", "already"):
        code, report = backfill("--from", str(tmp_path / "x.jsonl"))
        counts = report["counts"]
        assert (code, counts[outcome], counts["quarantined"], counts["found"]) == (1, 1, 1, 2)
        assert [problem["reason"] for problem in report["problems"]] == ["order-unknown"]
    assert manifests(database)["uid-7"] == evidence(first)
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT uid, raw FROM archive.quarantine")).all()
    engine.dispose()
    assert [(uid, json.loads(raw)) for uid, raw in kept] == [("uid-7", second)]


def test_a_dry_run_stores_nothing(backfill: Backfill, database: Database, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(as_list(*THREE)))
    for how in ("client", "server"):
        code, report = backfill("--from", str(tmp_path / "x.json"), f"--dry-run={how}")
        assert (code, report["counts"]["archived"], len(report["objects"])) == (0, 3, 3)
    assert manifests(database) == {}


@pytest.mark.parametrize("number", ["1e-16384", "0e-99999", "-1E-17000", "0e2147483648"])
def test_number_that_postgresql_has_none_for_makes_no_query_fail(
    backfill: Backfill, database: Database, tmp_path: Path, number: str
) -> None:
    odd, fine = resource(1, days=1), resource(2, days=1)
    odd["spec"]["odd"] = "ODD"
    lines = json.dumps(odd).replace('"ODD"', number) + "\n" + json.dumps(fine)
    (tmp_path / "dump.jsonl").write_text(lines)
    code, report = backfill("--from", str(tmp_path / "dump.jsonl"))
    assert (code, report["counts"]["archived"]) == (0, 2)
    assert manifests(database) == {"uid-1": None, "uid-2": evidence(fine)}
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM alert_processing_audit WHERE uid = 'uid-1'"))
        assert "lossy" in found.mappings().one()["flags"]
    engine.dispose()

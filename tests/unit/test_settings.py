"""Settings: who wins, what is refused, and what is never shown."""

from pathlib import Path

import pytest
from psycopg import pq
from psycopg.pq import Conninfo

from archiver.db.conninfo import parameters_of
from archiver.domain.shard import Shard
from archiver.errors import Configuration
from archiver.masked import SCHEMES
from archiver.settings import load, reference

HOUR = 3_600_000_000_000


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "LEAD", "RETENTION", "DATABASE_URL", "SHARD", "SHARDS"):
        monkeypatch.delenv(f"ARCHIVER_{name}", raising=False)
    monkeypatch.delenv("JOB_COMPLETION_INDEX", raising=False)


def test_the_defaults_are_the_cleanup_window_of_kubernaut() -> None:
    settings = load()
    assert (settings.retention, settings.lead) == (24 * HOUR, 6 * HOUR)


def test_a_flag_beats_the_environment_and_that_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("lead: 1h\nretention: 30h\nworkers: 3\n")
    monkeypatch.setenv("ARCHIVER_LEAD", "2h")
    monkeypatch.setenv("ARCHIVER_RETENTION", "40h")
    settings = load(file, lead="3h")
    assert (settings.lead, settings.retention, settings.workers) == (3 * HOUR, 40 * HOUR, 3)


def test_the_file_may_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("workers: 7\n")
    monkeypatch.setenv("ARCHIVER_CONFIG", str(file))
    assert load().workers == 7


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"lead": "3d"}, "ARCHIVER_LEAD"),
        ({"lead": "-1h"}, "ARCHIVER_LEAD"),
        ({"retention": "0s"}, "ARCHIVER_RETENTION"),
        ({"workers": 0}, "ARCHIVER_WORKERS"),
        ({"workers": 10_000}, "256"),
        ({"shards": 0}, "ARCHIVER_SHARDS.*: 0: .*equal to 1"),
        ({"shards": 1001}, "1000"),
        ({"shards": "many"}, "many"),
        ({"max_marks_per_second": 0}, "ARCHIVER_MAX_MARKS_PER_SECOND"),
        ({"max_marks_per_second": "inf"}, "MAX_MARKS_PER_SECOND.*'inf'.*finite.*leave it out"),
        ({"max_marks_per_second": "1e999"}, "ARCHIVER_MAX_MARKS_PER_SECOND"),
        ({"max_marks_per_second": "nan"}, "ARCHIVER_MAX_MARKS_PER_SECOND"),
        ({"resource": "noGroup"}, "ARCHIVER_RESOURCE"),
        ({"wrokers": 3}, "wrokers"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_limit(
    flags: dict[str, object], named: str
) -> None:
    with pytest.raises(Configuration, match=named):
        load(**flags)  # type: ignore[arg-type]  # bad ones are the point


@pytest.mark.parametrize("content", ["- a list\n", "unknown: 1\n", "{", "lead: 5\u00b5\n"])
def test_a_broken_file_is_a_configuration_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(content)
    with pytest.raises(Configuration):
        load(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Configuration, match=r"absent\.yaml"):
        load(tmp_path / "absent.yaml")


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("")
    assert load(file) == load()


def test_a_password_is_never_shown_nor_in_an_error() -> None:
    settings = load(database_url="postgresql://writer:canary@host/audit")
    assert settings.shown()["database_url"] == "postgresql://writer:***@host/audit"
    with pytest.raises(Configuration) as raised:
        load(database_url=7, lead="x", database_password_file=["canary"])
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://writer:can/ary@h@host/audit",
        "postgresql://writer@host/audit?password=canary&sslmode=disable",
        "postgresql://host/audit?sslpassword=canary",
        "host=h user=u password=canary dbname=d",
        "host=h user=u password='can ary' dbname=d",
        "mysql://writer:canary@host/audit",
        " postgresql://writer:canary@host/audit",
        "writer:canary@host/audit",
    ],
)
def test_no_form_of_password_is_shown(url: str) -> None:
    shown = load(database_url=url).shown()["database_url"]
    assert "ary" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "settings",
    [
        {"database_uri": "postgresql://u:canary@h/db"},
        {"database": {"url": "x", "password": "canary"}},
        {"dsn": "host=h password=canary"},
        {"token": "canary"},
        {"resource": "postgresql://u:canary@h/db"},
        {"retention": "postgresql://u:canary@h/db"},
        {"lead": "u:canary@h/db"},
        {"workers": "host=h password='canary'"},
    ],
)
def test_no_password_is_shown_where_a_name_is_misspelt_or_swapped(
    settings: dict[str, object],
) -> None:
    with pytest.raises(Configuration, match=f"setting {next(iter(settings))} ") as raised:
        load(**settings)  # type: ignore[arg-type]  # bad ones are the point
    assert "canary" not in str(raised.value)


def test_what_is_shown_as_a_uri_is_what_the_database_takes_for_one() -> None:
    for scheme in SCHEMES:
        assert load(database_url=f"{scheme}host/x").shown()["database_url"] == f"{scheme}host/x"
        with pytest.raises(Configuration):
            parameters_of(f" {scheme}host/x", application_name="archiver", connect_timeout=1)


def test_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("workers: 3\ndatabase_url: 'postgresql://u:canary@h/x\n")
    with pytest.raises(Configuration, match="not YAML at line 3") as raised:
        load(file)
    assert "canary" not in str(raised.value)


def test_a_duration_without_a_unit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("retention: 86400\n")
    with pytest.raises(Configuration, match="such as 24h"):
        load(file)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVER_RETENTION", "")
    assert load().retention == 24 * HOUR


def test_an_empty_variable_leaves_the_file_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHIVER_RETENTION", "")
    file = tmp_path / "settings.yaml"
    file.write_text("retention: 48h\n")
    assert load(file).retention == 48 * HOUR


def test_of_a_uri_only_what_libpq_does_not_hide_is_shown() -> None:
    """What is no parameter of libpq may be a misspelt password."""
    for option in pq.Conninfo.get_defaults():
        keyword, hides = option.keyword.decode(), option.dispchar == b"*"
        shown = load(database_url=f"postgresql://h/db?{keyword}=canary").shown()["database_url"]
        assert not (hides and "canary" in shown), keyword
    for keyword in ("passwrd", "pwd", "pass"):
        shown = load(database_url=f"postgresql://h/db?{keyword}=canary").shown()["database_url"]
        assert shown == f"postgresql://h/db?{keyword}=***"
    plain = "postgresql://h/db?sslmode=verify-full&host=a&user=b"
    assert load(database_url=plain).shown()["database_url"] == plain


def test_an_escaped_keyword_hides_no_password() -> None:
    url = "postgresql://u@h/x?pass%77ord=canary&sslmode=require"
    shown = load(database_url=url).shown()["database_url"]
    assert shown == "postgresql://u@h/x?pass%77ord=***&sslmode=require"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://w@h/db;password=canary", "postgresql://w@h/db***"),
        ("postgresql://w@h/db&password=canary", "postgresql://w@h/db***"),
        ("postgresql://w&password=canary", "postgresql://w***"),
        ("postgresql://w@h/db password=canary?port=1", "postgresql://w@h/db***?port=1"),
        ("postgresql://h/db?user=x password=canary", "postgresql://h/db?user=***"),
        ("postgresql://h/db?user=x;password=canary&port=1", "postgresql://h/db?user=***&port=1"),
        ("postgresql://h/db?user=x%20password%3Dcanary", "postgresql://h/db?user=***"),
        ("postgresql://h/db? user=canary", "postgresql://h/db? user=***"),
    ],
)
def test_a_mistyped_separator_shows_no_password(url: str, expected: str) -> None:
    assert load(database_url=url).shown()["database_url"] == expected


def test_nothing_that_libpq_hides_is_shown() -> None:
    hidden = [o.keyword.decode() for o in Conninfo.get_defaults() if o.dispchar == b"*"]
    assert "password" in hidden
    for name in (*hidden, "oauth_client_secret", "scram_client_key", "scram_server_key"):
        shown = load(database_url=f"postgresql://u@h/x?{name}=canary").shown()["database_url"]
        assert shown == f"postgresql://u@h/x?{name}=***"


@pytest.mark.parametrize(
    ("resource", "parts"),
    [
        ("rps.a.io", ("rps", None, "a.io")),
        ("rps.v1.a.io", ("rps", "v1", "a.io")),
        ("rps.v1alpha1.a.io", ("rps", "v1alpha1", "a.io")),
        ("rps.v1", ("rps", None, "v1")),
        ("rps.vision.a.io", ("rps", None, "vision.a.io")),
    ],
)
def test_a_resource_is_named_as_kubectl_names_it(
    resource: str, parts: tuple[str, str | None, str]
) -> None:
    assert load(resource=resource).resource_parts() == parts


def test_all_of_it_is_one_process_s_unless_told() -> None:
    assert load().shard_in_force() is None


def test_an_index_alone_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Any Indexed Job has one; how many shards there are has to be said.
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "2")
    assert load().shard_in_force() is None


def test_an_indexed_job_gives_each_pod_its_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "2")
    monkeypatch.setenv("ARCHIVER_SHARDS", "4")
    assert load().shard_in_force() == Shard(2, 4)
    assert load(shard="0/3").shard_in_force() == Shard(0, 3)


@pytest.mark.parametrize("index", ["4", "-1", "", "x"])
def test_an_index_beyond_the_shards_is_refused(monkeypatch: pytest.MonkeyPatch, index: str) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", index)
    monkeypatch.setenv("ARCHIVER_SHARDS", "4")
    with pytest.raises(Configuration, match=f"JOB_COMPLETION_INDEX .*'{index}/4'.* N-1"):
        load().shard_in_force()


def test_shards_without_an_index_are_no_undivided_run() -> None:
    with pytest.raises(Configuration, match="ARCHIVER_SHARDS is 4, and JOB_COMPLETION_INDEX"):
        load(shards=4).shard_in_force()


def test_the_reference_in_the_docs_is_the_one_of_the_code() -> None:
    written = Path(__file__).parents[2] / "docs" / "settings.md"
    assert written.read_text(encoding="utf-8") == reference(), (
        "run: python -c 'from archiver.settings import reference; print(reference(), end=\"\")' "
        "> docs/settings.md"
    )

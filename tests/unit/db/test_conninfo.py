"""A libpq URI becomes connection parameters."""

from pathlib import Path

import pytest

from archiver.db.conninfo import parameters_of, read_password
from archiver.db.engine import connect, whereabouts
from archiver.errors import Configuration


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSSLMODE", "PGSERVICE", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)


def parameters(url: str) -> dict[str, str]:
    return parameters_of(url, application_name="archiver", connect_timeout=10)


REMOTE = [
    "postgresql://db.example.com/a",
    "postgres://10.0.0.7:5432/a",
    "postgresql://[2001:db8::1]/a",
    "postgresql://localhost,db.example.com/a",
    "postgresql://localhost/a?hostaddr=10.0.0.7",
    "postgresql:///a?host=db",
    "postgresql:///a?service=production",
]
LOCAL = [
    "postgresql:///a",
    "postgresql://localhost/a",
    "postgresql://127.0.0.1:5433/a",
    "postgresql://[::1]/a",
    "postgresql:///a?host=/var/run/postgresql",
    "postgresql://%2Fvar%2Frun/a",
    "postgresql:///a?host=@abstract",
    "postgresql://db.example.com/a?hostaddr=127.0.0.1",
]


@pytest.mark.parametrize("url", REMOTE)
def test_a_remote_host_is_verified(url: str) -> None:
    assert parameters(url)["sslmode"] == "verify-full"


@pytest.mark.parametrize("url", LOCAL)
def test_a_local_one_need_not_be(url: str) -> None:
    assert "sslmode" not in parameters(url)


def test_the_uri_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parameters("postgresql://db/a?sslmode=require")["sslmode"] == "require"
    said = parameters("postgresql://db/a?connect_timeout=3&keepalives_idle=5&application_name=x")
    assert (said["connect_timeout"], said["keepalives_idle"]) == ("3", "5")
    assert said["application_name"] == "x"
    monkeypatch.setenv("PGSSLMODE", "prefer")
    assert "sslmode" not in parameters("postgresql://db/a")


def test_hosts_from_the_environment_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    assert parameters("postgresql:///a")["sslmode"] == "verify-full"


def test_nothing_that_a_pooler_refuses_is_sent() -> None:
    assert "options" not in parameters("postgresql://db/a")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:s3cret@db/a",
        "postgresql+psycopg://u:s3cret@db/a",
        "host=db password=s3cret",
        "postgresql://u:s3cret@[db/a",
        "postgresql://u:s3cret@db/a?no_such_parameter=1",
        "postgresql://u:s3cret%@db/a",
        "",
    ],
)
def test_what_is_no_uri_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(Configuration) as caught:
        parameters(url)
    assert "s3cret" not in str(caught.value)
    assert "postgresql://USER@HOST:PORT/DATABASE" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://writer:kJ8/s3cret+x=@127.0.0.1:5432/audit",
        "postgresql://writer:k@s3cret@db/audit",
        "postgresql://writer:s3/cret?x=@db/audit",
        "postgresql://u@db:s3cret/a",
        "postgresql://u@db:5432,db2:s3cret/a",
    ],
)
def test_the_rest_of_a_password_is_taken_for_nothing_else(url: str) -> None:
    with pytest.raises(Configuration) as caught:
        parameters(url)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@db/a&password=s3cret",
        "postgresql://u@db/a;password=s3cret",
        "postgresql://u@db/a password=s3cret",
        "postgresql://u@db:5433&password=s3cret",
        "postgresql://u&password=s3cret",
        "postgresql://u:s3cret@db/a&sslmode=require?port=5433",
    ],
)
def test_parameters_that_do_not_begin_with_a_question_mark_are_no_name(url: str) -> None:
    with pytest.raises(Configuration, match="no libpq URI") as caught:
        parameters(url)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:a&b=c;d@db/a",
        "postgresql://u@db/a%20b%3D%26",
        "postgresql://u:a%2Fb%40c@db/a%40b",
        "postgresql://u@%40abstract/a",
        "postgresql://u@db:,db2:5433/a",
        "postgresql:///a?host=/var/run/x&port=5433",
        "postgresql://db/a?user=u@example.org",
    ],
)
def test_what_is_encoded_or_stands_where_it_may_is_taken(url: str) -> None:
    assert parameters(url)["dbname"]


def test_the_password_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    engine = connect("postgresql://u:s3cret@db:5433,db2:5434/a")
    assert "s3cret" not in repr(engine) + str(engine.url)
    assert engine.url.username == "u"
    assert whereabouts(connect("postgresql://u:s3cret@db:5433/a")) == "db:5433/a"


def test_a_password_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_bytes("pässwörd \r\n".encode())
    assert read_password(str(secret)) == "pässwörd "


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_password_file_that_will_not_do(tmp_path: Path, content: bytes | None) -> None:
    secret = tmp_path / "password"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(Configuration, match=str(secret)):
        connect("postgresql://db/a", password_file=str(secret))

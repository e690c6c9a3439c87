"""Which variables are said to be no settings."""

import pytest

from archiver.cli.variables import unknown_variables


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ARCHIVER_RETENTON", "ARCHIVER_RETENTION"),
        ("ARCHIVER_DATABASE_PASSWORD", "ARCHIVER_DATABASE_PASSWORD_FILE"),
        ("ARCHIVER_DATABASE_URL_", "ARCHIVER_DATABASE_URL"),
        ("archiver_workrs", "ARCHIVER_WORKERS"),
        ("ARCHIVER_XYZZY", None),
    ],
)
def test_a_variable_that_is_no_setting_is_told_with_what_was_meant(
    name: str, meant: str | None
) -> None:
    assert unknown_variables({name: "1", "PATH": "/bin"}) == {name: meant}


@pytest.mark.parametrize(
    "name",
    [
        "ARCHIVER_RETENTION",
        "archiver_lead",
        "ARCHIVER_CONFIG",
        "ARCHIVER_TEST_POSTGRES_BIN",
        "ARCHIVER",
        # What Kubernetes sets in every pod for a Service named archiver, or archiver-db.
        "ARCHIVER_SERVICE_HOST",
        "ARCHIVER_SERVICE_PORT",
        "ARCHIVER_SERVICE_PORT_HTTPS",
        "ARCHIVER_PORT",
        "ARCHIVER_PORT_8080_TCP",
        "ARCHIVER_PORT_8080_TCP_ADDR",
        "ARCHIVER_PORT_53_UDP_PROTO",
        "ARCHIVER_DB_SERVICE_HOST",
        "ARCHIVER_DB_PORT_5432_TCP_PORT",
    ],
)
def test_a_variable_that_is_a_setting_or_somebody_elses_is_not_told(name: str) -> None:
    assert unknown_variables({name: "1"}) == {}

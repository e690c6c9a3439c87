"""A libpq URI as connection parameters: TLS by default, the password from a file."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from archiver.errors import Configuration
from archiver.masked import SCHEMES, has_misplaced_parameters

# A connection that is dropped without a word (a firewall, a lost node) is noticed after about a
# minute instead of libpq's two hours. Seconds; tcp_user_timeout is in milliseconds.
_KEEPALIVE: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


def parameters_of(url: str, *, application_name: str, connect_timeout: int) -> dict[str, str]:
    """The libpq parameters of a URI, with the archiver's defaults where it says nothing.

    `connect_timeout` is in seconds, per host. For a host that is neither the loopback nor a Unix
    socket, sslmode is verify-full unless the URI or PGSSLMODE says otherwise. Nothing is sent as
    `options`, which PgBouncer refuses. Raises Configuration, never with text of the URI, which
    may hold a password.
    """
    given = _given(url)
    parameters = {
        "connect_timeout": str(connect_timeout),
        "fallback_application_name": application_name,
        "client_encoding": "UTF8",
        **_KEEPALIVE,
        **given,
    }
    if "sslmode" not in given and "PGSSLMODE" not in os.environ and _is_remote(given):
        parameters["sslmode"] = "verify-full"
    return parameters


def _given(url: str) -> dict[str, str]:
    """What the URI says. Raises Configuration."""
    if not url.startswith(SCHEMES):
        raise Configuration(
            "the database URL is no libpq URI: it starts with postgresql:// "
            "(postgresql://USER@HOST:PORT/DATABASE?PARAMETER=VALUE)"
        )
    try:
        given = {
            key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None
        }
    except psycopg.Error:
        # libpq quotes the URI in its message.
        raise Configuration(
            "the database URL is no libpq URI: a part of it cannot be read, or names a parameter "
            "that libpq does not know (postgresql://USER@HOST:PORT/DATABASE?PARAMETER=VALUE; "
            "special characters are percent-encoded)"
        ) from None
    if _is_cut_short(url) or not _are_ports(given.get("port", "")):
        # What was taken for a host, a port or a database may be the rest of a password.
        raise Configuration(
            "the database URL is no libpq URI: its port is no number, or a character of the "
            "password is not percent-encoded (/ is %2F, @ is %40); a password "
            "file (ARCHIVER_DATABASE_PASSWORD_FILE) needs none of that"
        )
    if has_misplaced_parameters(url):
        raise Configuration(
            "the database URL is no libpq URI: one of & ; = and spaces stands before its "
            "parameters, which begin with ? (postgresql://USER@HOST:PORT/DATABASE?PARAMETER=VALUE; "
            "in a name such a character is percent-encoded)"
        )
    return given


def read_password(password_file: str) -> str:
    """The password in a file, without the line end. Raises Configuration."""
    try:
        password = Path(password_file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Configuration(f"the database password file {password_file}: {reason}") from None
    if not password:
        raise Configuration(f"the database password file {password_file} is empty")
    return password


def _is_cut_short(url: str) -> bool:
    """Whether an @ stands where none can: behind the user's, or in the path."""
    authority, _, path = url.partition("://")[2].partition("?")[0].partition("/")
    return authority.count("@") > 1 or "@" in path


def _are_ports(text: str) -> bool:
    """Whether it is a number for each host, or nothing, which is the default."""
    return all(not port or (port.isascii() and port.isdigit()) for port in text.split(","))


def _is_remote(given: Mapping[str, str]) -> bool:
    """Whether a host of these parameters is reached over a network."""
    hosts = given.get("hostaddr") or given.get("host") or os.environ.get("PGHOST", "")
    # What a service file says cannot be seen from here; assume the worse.
    if not hosts:
        return "service" in given or "PGSERVICE" in os.environ
    return any(not _is_local(host) for host in hosts.split(","))


def _is_local(host: str) -> bool:
    # An empty host is the default socket; @ is a socket in the abstract namespace.
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

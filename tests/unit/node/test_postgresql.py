"""Where PostgreSQL listens for pods, and what of them is seen on the way."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.manifests import find
from tests.node import postgresql
from tests.node.errors import NodeError
from tests.node.postgresql import REACHABLE, _listen
from tests.node.wire import Wire
from tests.postgres.relay import LOOPBACK
from tests.postgres.tls_front import SSL_REQUEST


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_pods_may_reach_every_port_of_it() -> None:
    rules = find("NetworkPolicy", "archiver")["spec"]["egress"]
    allowed = {each["port"] for rule in rules for each in rule.get("ports", ())}
    assert set(REACHABLE) <= allowed


def test_a_port_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(postgresql, "REACHABLE", (taken, 0))
    with closing(_listen(LOOPBACK, 1)) as wire:
        assert wire.port not in (0, taken)


def test_where_all_are_taken_they_are_named(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(postgresql, "REACHABLE", (taken,))
    with pytest.raises(NodeError, match=rf"{LOOPBACK}, port {taken}: Address already in use"):
        _listen(LOOPBACK, 1)


@pytest.mark.parametrize(
    ("sent", "encrypted"),
    [
        ([SSL_REQUEST, b"\x16\x03\x01\x00\x01"], [True]),
        ([SSL_REQUEST, b"\x00\x00\x00\x08user"], [False]),  # denied, and taken for an answer
        ([b"\x00\x00\x00\x20\x00\x03\x00\x00user"], [False]),
        ([SSL_REQUEST], []),  # gone before it said anything
    ],
)
def test_how_a_connection_begins_is_seen_on_the_wire(
    sent: list[bytes], encrypted: list[bool]
) -> None:
    with (
        socket.create_server((LOOPBACK, 0)) as server,
        closing(Wire.listen(LOOPBACK, server.getsockname()[1])) as wire,
        socket.create_connection((wire.address, wire.port)) as client,
    ):
        client.sendall(sent[0])
        connection, _ = server.accept()
        with connection:
            assert connection.recv(len(sent[0]), socket.MSG_WAITALL) == sent[0]
            for more in sent[1:]:
                client.sendall(more)
                assert connection.recv(len(more), socket.MSG_WAITALL) == more
            client.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
        assert wire.encrypted == encrypted

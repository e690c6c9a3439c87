"""Ports that stay ours."""

import socket
import sys

import pytest

from tests.controlplane.ports import LOOPBACK, Port


def listener(number: int = 0) -> socket.socket:
    """What a Go server does: SO_REUSEADDR, bind, listen."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((LOOPBACK, number))
    server.listen()
    return server


def test_a_server_can_listen_there_again_and_again() -> None:
    port = Port()
    for _ in range(3):
        with listener(port.number), socket.create_connection((LOOPBACK, port.number)):
            pass
    port.release()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a held port is refused to all")
def test_the_kernel_gives_it_to_nobody_else() -> None:
    reserved = [Port() for _ in range(200)]
    numbers = {port.number for port in reserved}
    assert len(numbers) == len(reserved)
    for _ in range(500):
        with listener() as other:
            assert other.getsockname()[1] not in numbers
    for port in reserved:
        port.release()


def test_it_reads_as_its_number() -> None:
    port = Port()
    assert f"--secure-port={port}" == f"--secure-port={port.number}"
    port.release()

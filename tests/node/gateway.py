"""The address of this machine that pods on kind reach: the gateway of Docker's network, or what a
person says instead.
"""

import ipaddress
import os
import subprocess

from tests.node.errors import NodeError
from tests.node.postgresql import ADDRESS, check_address

NETWORK = "kind"
# Until kind makes its own one: whether gateways are on this machine is the same for both.
FROM_THE_START = "bridge"
GATEWAYS = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"


def check() -> None:
    """Raises NodeError where PostgreSQL could not listen, as far as can be known so early."""
    address = _named() or _gateway(NETWORK, FROM_THE_START)
    if address:
        check_address(address)


def address() -> str:
    """The address, once kind has made its network. Raises NodeError where there is none."""
    found = _named() or _gateway(NETWORK)
    if not found:
        raise NodeError(
            f"the Docker network `{NETWORK}` has no IPv4 gateway, by which pods would reach this "
            f"machine: set {ADDRESS} to an address of this machine that they reach"
        )
    return found


def _named() -> str | None:
    text = os.environ.get(ADDRESS)
    if not text:
        return None
    named = _ipv4(text)
    if named is None:
        raise NodeError(f"{ADDRESS}={text} is no IPv4 address")
    if named.is_unspecified:
        raise NodeError(f"{ADDRESS}={text} is every address of a machine, and pods need one")
    return str(named)


def _ipv4(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _gateway(*networks: str) -> str | None:
    """The first one of IPv4 in these networks, as far as they are there."""
    command = ["docker", "network", "inspect", *networks, "--format", GATEWAYS]
    # It fails if one is not there, and prints what it knows of the others.
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    # "invalid IP" where a part of a network has no gateway; some releases add the prefix's length.
    gateways = (_ipv4(text.partition("/")[0]) for text in found)
    return next((str(gateway) for gateway in gateways if gateway), None)

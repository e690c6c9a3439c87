"""The network of a node: loopback and one bridge, in a network namespace of its own.

The bridge is there before the first pod, because its address is the node's: servers listen on it,
and pods reach them there as they would reach another machine. By ioctl, since small systems have
no `ip` (netdevice(7)).
"""

import fcntl
import socket
import struct
from ipaddress import IPv4Interface
from pathlib import Path

BRIDGE = "cni0"
NODE = IPv4Interface("10.244.0.1/24")
ADDRESS = str(NODE.ip)

SIOCBRADDBR = 0x89A0  # linux/sockios.h
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
IFF_UP = 1  # linux/if.h


def connect() -> None:
    """Bring up loopback and the bridge. Only ever call this in the namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _up(control, "lo")
        fcntl.ioctl(control, SIOCBRADDBR, _name(BRIDGE))
        _set_address(control, SIOCSIFADDR, str(NODE.ip))
        _set_address(control, SIOCSIFNETMASK, str(NODE.netmask))
        _up(control, BRIDGE)
    # The namespace's own, as every setting below net/.
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _name(interface: str) -> bytes:
    return struct.pack("16s", interface.encode())


def _up(control: socket.socket, interface: str) -> None:
    answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH14x", interface.encode(), 0))
    _, flags = struct.unpack("16sH14x", answer)
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags | IFF_UP))


def _set_address(control: socket.socket, request: int, address: str) -> None:
    sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
    fcntl.ioctl(control, request, _name(BRIDGE) + sockaddr)

"""Everything on the machine that a node could leave behind, as it is now, and nothing of others.

Others start servers, mount disks and call kubectl while these tests run. What a node would do to
the whole machine has names that a node gives; what has none, such as shared memory, gets one from
`busy`.
"""

from binascii import crc32
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

from tests.node import cgroups
from tests.node.mounts import KERNEL_SETTINGS, SYSCTL
from tests.node.needs import COVERED
from tests.node.network import BRIDGE
from tests.node.place import PREFIX

# Where containerd, CNI plugins and the kubelet would write, had they the choice.
SYSTEM_FOLDERS = (
    "/etc/cni", "/etc/containerd", "/opt/cni", "/opt/containerd", "/usr/libexec/kubernetes",
    "/run/containerd", "/run/netns", "/run/kubernetes", "/run/xtables.lock", "/var/lib/cni",
    "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/kube-proxy", "/var/lib/dockershim",
    "/var/log/containers", "/var/log/pods",
)  # fmt: skip
# Of all in these folders, not of those alone that a node is known to want: a newer kubelet may want
# another one.
SETTINGS = ("kernel", "vm", "fs", "user", "net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding")
# What the kernel itself changes: counters, numbers drawn by chance, and what it measures.
OF_THE_KERNEL = (
    "fs/aio-nr", "fs/binfmt_misc", "fs/dentry-state", "fs/file-nr", "fs/inode-nr", "fs/inode-state",
    "fs/quota", "kernel/ns_last_pid", "kernel/perf_event_max_sample_rate", "kernel/pty/nr",
    "kernel/random", "kernel/sched_domain", "kernel/tainted",
)  # fmt: skip
INTERFACES = Path("/sys/class/net")
MOUNTS = Path("/proc/self/mounts")
SEGMENTS = Path("/proc/sysvipc/shm")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at only


def traces() -> dict[str, object]:
    """What is compared: by name, so that a difference says what it is."""
    return {
        "mounts": sorted(filter(_like_ours, MOUNTS.read_text().splitlines())),
        "interfaces": sorted(path.name for path in INTERFACES.iterdir() if _of_a_node(path)),
        "settings": settings(),
        "system folders": {name: _listed(Path(name)) for name in SYSTEM_FOLDERS},
    }


def settings(root: Path = SYSCTL) -> dict[str, bytes]:
    """The kernel's settings by name, as far as they can be read and stay as they are."""
    found = {}
    for top in SETTINGS:
        for path in [root / top, *(root / top).rglob("*")]:
            name = str(path.relative_to(root))
            if path.is_file() and not name.startswith(OF_THE_KERNEL):
                with suppress(OSError):  # some are only for writing
                    found[name] = path.read_bytes()
    return found


def of_run(name: str) -> dict[str, object]:
    """What bears the name of one run: its folder, cgroups, processes, shared memory."""
    return {
        "folder": sorted(Path(gettempdir()).glob(f"*{name}*")),
        "cgroups": sorted(cgroups.names(name) | _deserted_cgroups()),
        "processes": sorted(_mentioning(name)),
        "shared memory": [*SHARED_MEMORY.glob(f"*{name}*"), *_segments(name)],
    }


def server(name: str, program: str) -> int:
    """The pid of this program in that run."""
    (pid,) = (
        pid for pid in _mentioning(name) if Path(f"/proc/{pid}/comm").read_text() == f"{program}\n"
    )
    return pid


NOTHING: dict[str, object] = {"folder": [], "cgroups": [], "processes": [], "shared memory": []}


def key_of(name: str) -> int:
    """The key of a System V segment that bears this name."""
    return crc32(name.encode()) & 0x7FFF_FFFF


def _deserted_cgroups() -> set[str]:
    """Those that a kubelet or containerd makes where it is not told another place, and nobody in
    them: a kubelet of the machine's own has pods there.
    """
    usual = {name for prefix in ("kubepods", "k8s.io") for name in cgroups.names(prefix)}
    return {name for name in usual if not cgroups.processes(name)}


def _like_ours(mount: str) -> bool:
    _, target, *_ = mount.split()
    covered = {*COVERED, *(str(SYSCTL / name) for name in KERNEL_SETTINGS)}
    return PREFIX in mount or target in covered or target.startswith(SYSTEM_FOLDERS)


def _of_a_node(interface: Path) -> bool:
    """The bridge, or a pod's cable, which ends in it."""
    return BRIDGE in (interface.name, (interface / "master").resolve().name)


def _listed(path: Path) -> list[str] | None:
    if path.is_dir():
        return sorted(entry.name for entry in path.iterdir())
    return [] if path.exists() else None


def _segments(name: str) -> list[str]:
    lines = (line.split() for line in SEGMENTS.read_text().splitlines()[1:])
    return [identity for key, identity, *_ in lines if int(key) == key_of(name)]


def _mentioning(name: str) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "cgroup").read_bytes()
        except OSError:  # it ended
            continue
        if name.encode() in said:
            yield int(process.name)

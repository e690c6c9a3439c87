"""Everything on the machine that a node could leave behind, as it is now."""

from collections.abc import Iterator
from pathlib import Path

from tests.node import cgroups
from tests.node.mounts import KERNEL_SETTINGS, SYSCTL

# Where containerd, CNI plugins, the kubelet and PostgreSQL would write, had they the choice.
SYSTEM_FOLDERS = (
    "/etc/cni", "/etc/containerd", "/opt/cni", "/opt/containerd", "/usr/libexec/kubernetes",
    "/run/containerd", "/run/netns", "/run/kubernetes", "/run/xtables.lock", "/var/lib/cni",
    "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/kube-proxy", "/var/lib/dockershim",
    "/var/log/containers", "/var/log/pods",
)  # fmt: skip
# Where kubectl would keep what it learned of an API server.
HOME_FOLDER = Path.home() / ".kube"
NETWORK_SETTINGS = ("net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding")


def traces() -> dict[str, object]:
    """What is compared: by name, so that a difference says what it is."""
    settings = (*KERNEL_SETTINGS, *NETWORK_SETTINGS)
    return {
        "mounts": sorted(Path("/proc/self/mounts").read_text().splitlines()),
        "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "settings": {name: (SYSCTL / name).read_text() for name in settings},
        "system folders": {name: _listed(Path(name)) for name in SYSTEM_FOLDERS},
        "home": sorted(map(str, HOME_FOLDER.rglob("*"))),
        "shared memory": _shared_memory(),
    }


def of_run(name: str) -> dict[str, object]:
    """What bears the name of one run: its folder, its cgroups, its processes."""
    return {
        "folder": sorted(Path("/tmp").glob(f"*{name}*")),  # noqa: S108 - where TMPDIR is not set
        "cgroups": sorted(cgroups.names(name)),
        "processes": sorted(_mentioning(name)),
    }


NOTHING: dict[str, object] = {"folder": [], "cgroups": [], "processes": []}


def _listed(path: Path) -> list[str] | None:
    if path.is_dir():
        return sorted(entry.name for entry in path.iterdir())
    return [] if path.exists() else None


def _shared_memory() -> list[str]:
    # Segments, by key, id and owner; the rest of a line changes while they are used.
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [" ".join(line.split()[:2]) for line in lines]


def _mentioning(name: str) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "cgroup").read_bytes()
        except OSError:  # it ended
            continue
        if name.encode() in said:
            yield int(process.name)

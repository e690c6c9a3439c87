"""What a node sees of the machine's files, set up in its own mount namespace.

/run, /dev/shm are empty and /var is laid over, so that nothing is written there. Kernel settings
that are not per namespace, and that the kubelet insists on, are covered by files with the wanted
values: the machine's stay as they are.
"""

import subprocess
from pathlib import Path

# What the kubelet sets at its start if it finds anything else (k8s.io/component-helpers,
# node/util/sysctl, and the kubelet's setupKernelTunables).
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
SYSCTL = Path("/proc/sys")
VAR = Path("/var")


def cover(folder: Path) -> None:
    """Do all of it; what is written goes to `folder`. Only ever call this in the namespace."""
    # What is mounted later has to reach pods that want it, and nobody else.
    _mount("--make-rshared", "/")
    _mount("-t", "tmpfs", "-o", "mode=755", "run", "/run")
    _mount("-t", "tmpfs", "-o", "mode=1777,size=4g", "shm", "/dev/shm")  # noqa: S108
    _mount(*overlay(VAR, folder))
    for name, value in KERNEL_SETTINGS.items():
        _pretend(SYSCTL / name, value, folder)


def overlay(target: Path, folder: Path) -> list[str]:
    """What to tell `mount` to lay the target over: what is written goes to new folders in this."""
    upper, work = folder / "var", folder / "var-work"
    upper.mkdir()
    work.mkdir()
    folders = f"lowerdir={target},upperdir={upper},workdir={work}"
    return ["-t", "overlay", "-o", folders, "overlay", str(target)]


def _pretend(setting: Path, value: str, folder: Path) -> None:
    if not setting.exists() or setting.read_text().strip() == value:
        return
    file = folder / "kernel-settings" / setting.name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{value}\n")
    _mount("--bind", file, setting)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)

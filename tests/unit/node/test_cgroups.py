"""Where cgroups are, on machines of both versions."""

from pathlib import Path

import pytest

from tests.node import cgroups
from tests.node.cgroups import hierarchies

V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
V2 = """\
proc /proc proc rw 0 0
cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0
"""


@pytest.mark.parametrize(
    ("mounts", "expected"), [(V1, ["memory", "cpu", "unified"]), (V2, ["cgroup"])]
)
def test_every_hierarchy_is_found(tmp_path: Path, mounts: str, expected: list[str]) -> None:
    file = tmp_path / "mounts"
    file.write_text(mounts)
    assert [path.name for path in hierarchies(file)] == expected


def hierarchy(folder: Path, processes: dict[str, str]) -> Path:
    """A file of mounts that has one hierarchy, with cgroups and who is in them."""
    root = folder / "cgroup"
    for name, pids in {"": "1\n", **processes}.items():
        (root / name).mkdir(exist_ok=True, parents=True)
        (root / name / "cgroup.procs").write_text(pids)
    mounts = folder / "mounts"
    mounts.write_text(f"cgroup2 {root} cgroup2 rw 0 0\n")
    return mounts


def test_cgroups_with_nobody_in_them_are_deserted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = hierarchy(
        tmp_path,
        {
            "node-left": "", "node-left/servers": "",
            "node-alive": "", "node-alive/servers": "17\n",
            # As it is seen from another pid namespace.
            "node-elsewhere": "", "node-elsewhere/kubepods": "0\n",
            "other": "",
        },
    )  # fmt: skip
    monkeypatch.setattr(cgroups, "hierarchies", lambda: hierarchies(mounts))
    assert cgroups.deserted("node-") == {"node-left"}

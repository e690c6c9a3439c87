"""Where cgroups are, on machines of both versions."""

from pathlib import Path

import pytest

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

"""Where cgroups are, on machines of both versions."""

from pathlib import Path

import pytest

from tests.node import cgroups
from tests.node.cgroups import hierarchies
from tests.node.errors import NodeError

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


def version_2(root: Path, controllers: str, handed_on: str) -> Path:
    (root / "cgroup.controllers").write_text(f"{controllers}\n")
    (root / "cgroup.subtree_control").write_text(f"{handed_on}\n")
    (root / "cgroup.procs").write_text("1\n")
    return root


def test_a_node_gets_the_controllers_that_its_kubelet_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = version_2(tmp_path, "cpuset cpu io memory hugetlb pids misc", "memory pids")
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [root])
    cgroups.create("node", root)
    assert (root / "cgroup.subtree_control").read_text() == "+cpu +cpuset +hugetlb"
    assert (root / "node/servers").is_dir()


def test_what_is_handed_on_already_is_left_alone(tmp_path: Path) -> None:
    root = version_2(tmp_path, "cpu memory", "cpu memory")
    assert cgroups.not_handed_on(root) == []


def test_version_1_hands_nothing_on(tmp_path: Path) -> None:
    assert cgroups.not_handed_on(tmp_path) == []


def test_what_the_kernel_refuses_to_hand_on_is_named(tmp_path: Path) -> None:
    root = version_2(tmp_path, "cpu", "")
    (root / "cgroup.subtree_control").unlink()
    (root / "cgroup.subtree_control").symlink_to("/proc/version")  # read-only
    with pytest.raises(NodeError, match=r"subtree_control: \+cpu: "):
        cgroups.create("node", root)


@pytest.mark.parametrize(("type_", "refused"), [(None, False), ("domain", True)])
def test_only_the_topmost_cgroup_hands_on_what_it_uses(
    tmp_path: Path, type_: str | None, refused: bool
) -> None:
    root = version_2(tmp_path, "cpu", "")
    if type_:
        (root / "cgroup.type").write_text(type_)
    assert cgroups.cannot_be_handed_on(root) is refused

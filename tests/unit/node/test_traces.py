"""What the tests look at that look for traces of a node."""

from pathlib import Path

from tests.e2e.machine.traces import settings

STEADY = ("kernel/panic", "vm/overcommit_memory", "fs/file-max", "kernel/keys/maxkeys",
          "net/ipv4/ip_forward")  # fmt: skip
MOVING = ("kernel/random/uuid", "fs/file-nr", "net/ipv4/tcp_mem")


def test_every_setting_of_the_kernel_is_looked_at_but_those_that_it_changes_itself(
    tmp_path: Path,
) -> None:
    for name in (*STEADY, *MOVING):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    assert settings(tmp_path) == dict.fromkeys(STEADY, b"1\n")

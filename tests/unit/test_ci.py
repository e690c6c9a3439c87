"""What has to pass before a change lands: the commands that a person runs, and all of them."""

import os
import subprocess
from pathlib import Path

import pytest

CI = Path(".ci/run").resolve()
MAKE = """\
#!/bin/sh
echo "$*" >> calls
case " $* " in *" $BREAKS "*) exit 2 ;; esac
"""


def run(folder: Path, *, user: int, breaks: str = "nothing") -> tuple[int, list[str]]:
    """Its exit code, and what make is told to make, where there are stand-ins for all programs."""
    programs = {"make": MAKE.replace("calls", str(folder / "calls")),
                "uname": "#!/bin/sh\necho Linux\n", "id": f"#!/bin/sh\necho {user}\n"}  # fmt: skip
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "BREAKS": breaks}
    done = subprocess.run([CI], env=environment, check=False, capture_output=True)
    return done.returncode, (folder / "calls").read_text().split()


def test_all_is_checked_where_all_can_be(tmp_path: Path) -> None:
    code, made = run(tmp_path, user=0)
    assert code == 0
    assert made[0] == "check"
    assert sorted(made) == ["check", "e2e-node", "test", "test-image"]


def test_what_needs_root_is_left_out_without_it(tmp_path: Path) -> None:
    assert run(tmp_path, user=1000) == (0, ["check", "test"])


@pytest.mark.parametrize("breaks", ["check", "e2e-node", "test-image", "test"])
def test_whatever_fails_fails_all(tmp_path: Path, breaks: str) -> None:
    code, _ = run(tmp_path, user=0, breaks=breaks)
    assert code == 2


def test_the_tests_on_a_node_are_both_halves(tmp_path: Path) -> None:
    (image := tmp_path / "image.tar").touch()
    make = ("make", "--no-print-directory", "--old-file=.venv/.installed", "--dry-run")
    said = subprocess.run(
        [*make, "e2e-node", f"IMAGE={image}"], check=True, capture_output=True, text=True
    ).stdout
    assert "-m pytest tests/e2e/node\n" in said
    assert "-m pytest tests/e2e/machine\n" in said

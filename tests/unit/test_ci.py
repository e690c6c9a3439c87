"""What has to pass before a change lands: the commands that a person runs, and all of them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.waiting import eventually
from tests.unit.processes import is_running

LIMIT = 30.0  # seconds
CI = Path(".ci/run").resolve()
MAKE = """\
#!/bin/sh
echo "$*" >> calls
echo "make $*"
case " $* " in *" $HANGS "*) sleep 60 & echo $! > hanging.new; mv hanging.new hanging; wait ;; esac
case " $* " in *" $BREAKS "*) exit 2 ;; esac
"""


def start(
    folder: Path, *, user: int, breaks: str = "nothing", hangs: str = "nothing"
) -> "subprocess.Popen[str]":
    """Start it where there are stand-ins for all programs, in a folder."""
    make = MAKE.replace("calls", str(folder / "calls")).replace("hanging", str(folder / "hanging"))
    programs = {"make": make,
                "uname": "#!/bin/sh\necho Linux\n", "id": f"#!/bin/sh\necho {user}\n"}  # fmt: skip
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    told = {"PATH": path, "BREAKS": breaks, "HANGS": hangs, "TMPDIR": str(folder)}
    return subprocess.Popen(
        [CI],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """What nohup starts ignores SIGHUP, and so would all that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def run(folder: Path, *, user: int, breaks: str = "nothing") -> tuple[int, list[str]]:
    """Its exit code, and what make is told to make."""
    done = start(folder, user=user, breaks=breaks)
    done.communicate()
    made = (folder / "calls").read_text().split()
    return done.returncode, [target for target in made if not target.startswith("-")]


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


@pytest.mark.parametrize("hangs", ["check", "test", "test-image"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_end_it_ends_what_it_started_and_says_what_that_has_said(
    tmp_path: Path, hangs: str, number: signal.Signals
) -> None:
    process = start(tmp_path, user=0, hangs=hangs)
    eventually((tmp_path / "hanging").exists, LIMIT)
    process.send_signal(number)
    said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 143
    assert ("make --keep-going e2e-node test-image\n" in said) == (hangs != "check")
    hanging = int((tmp_path / "hanging").read_text())
    eventually(lambda: not is_running(hanging), LIMIT)
    assert not list(tmp_path.glob("tmp.*"))


def test_a_failure_on_the_node_stops_no_test_of_the_image(tmp_path: Path) -> None:
    start(tmp_path, user=0).communicate()
    assert "--keep-going e2e-node test-image" in (tmp_path / "calls").read_text()


def test_the_tests_on_a_node_are_both_halves(tmp_path: Path) -> None:
    (image := tmp_path / "image.tar").touch()
    make = ("make", "--no-print-directory", "--old-file=.venv/.installed", "--dry-run")
    said = subprocess.run(
        [*make, "e2e-node", f"IMAGE={image}"], check=True, capture_output=True, text=True
    ).stdout
    assert "-m pytest tests/e2e/node\n" in said
    assert "-m pytest tests/e2e/machine\n" in said

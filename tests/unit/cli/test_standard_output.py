"""Standard output that fails: nothing ends by it, and what is lost is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Each is as good as a full disk to whoever writes; that one itself there is on Linux alone.
LINUX = Path("/dev/full").exists()
FAILING = [">&-", "</dev/null 1<&0", *[">/dev/full"] * LINUX]
WRITE = "from archiver.cli import standard_output as out; import sys; out.guard(); "


def ended(redirected: str, *arguments: str, stdout: int | None = None) -> tuple[int, str]:
    """Exit code and standard error of Python with its standard output redirected so."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")}
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {redirected}', sys.executable, *arguments],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("redirected", FAILING)
@pytest.mark.parametrize("arguments", [("settings",), ("settings", "-o", "json"), ("--help",)])
def test_what_cannot_be_printed_is_one_line_and_75(
    redirected: str, arguments: tuple[str, ...]
) -> None:
    code, said = ended(redirected, "-m", "archiver", *arguments)
    assert code == os.EX_TEMPFAIL
    assert said.count("\n") == 1
    assert said.startswith("archiver: standard output: ")


@pytest.mark.parametrize("unbuffered", [(), ("-u",)])
def test_a_run_whose_report_is_lost_ends_as_it_ended(unbuffered: tuple[str, ...]) -> None:
    code, said = ended(FAILING[-1], *unbuffered, "-m", "archiver", "run", "-o", "json")
    assert code == os.EX_CONFIG
    assert "no database" in said
    assert said.splitlines()[-1].startswith("archiver: standard output: ")
    assert "Traceback" not in said


@pytest.mark.parametrize("redirected", ["2>&-", "2<&0 </dev/null"] + ["2>/dev/full"] * LINUX)
def test_a_log_that_cannot_be_written_ends_nothing(redirected: str) -> None:
    code, _ = ended(redirected, "-m", "archiver", "run", "-o", "json", stdout=subprocess.DEVNULL)
    assert code == os.EX_CONFIG


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_what_is_opened_takes_no_standard_place(missing: int) -> None:
    program = (
        "from archiver.__main__ import _fill_gaps; _fill_gaps(); "
        f"import os; os._exit(os.fstat({missing}).st_rdev != os.stat(os.devnull).st_rdev)"
    )
    assert ended(f"{missing}>&-", "-c", program)[0] == 0


@pytest.mark.parametrize(("code", "final"), [(0, 75), (1, 75), (65, 65), (70, 70), (78, 78)])
def test_a_graver_end_stays_what_it_is(code: int, final: int) -> None:
    program = f"{WRITE} out.write('x' * 100_000); sys.exit(out.end({code}))"
    assert ended(FAILING[-1], "-c", program)[0] == final


def test_what_fails_before_anything_is_printed_loses_nothing() -> None:
    assert ended(FAILING[-1], "-c", f"{WRITE} sys.exit(out.end(0))") == (0, "")


@pytest.mark.parametrize("unbuffered", [(), ("-u",)])
def test_text_and_bytes_come_in_their_order(unbuffered: tuple[str, ...]) -> None:
    program = (
        f"{WRITE} out.write('a\\udc80'); out.write_bytes(b'\\xff'); out.write('c'); out.end(0)"
    )
    done = subprocess.run(
        [sys.executable, *unbuffered, "-c", program], capture_output=True, check=True
    )
    assert done.stdout == b"a\\udc80\xffc"


def test_a_reader_that_goes_away_ends_nothing() -> None:
    program = f"{WRITE} [out.write('x' * 100_000) for _ in range(10)]; sys.exit(out.end(7))"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (7, b"")


def test_without_buffering_a_line_is_there_at_once() -> None:
    program = f"{WRITE} import os; out.write('a line\\n'); os._exit(0)"
    done = subprocess.run([sys.executable, "-u", "-c", program], capture_output=True, check=True)
    assert done.stdout == b"a line\n"

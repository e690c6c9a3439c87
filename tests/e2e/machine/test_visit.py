"""What `make cluster NODE=1` tells a person, and what becomes of it at Ctrl-C."""

import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.controlplane.cache import cache_root
from tests.e2e.machine.traces import NOTHING, of_run
from tests.e2e.waiting import eventually
from tests.node.place import PREFIX


@dataclass(frozen=True, slots=True)
class Visit:
    """A node that was started for a person, and what it says."""

    process: "subprocess.Popen[bytes]"
    output: Path
    environment: dict[str, str]

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def folder(self) -> Path:
        (path,) = re.findall(r"^  NODE=(\S+)$", self.said, re.MULTILINE)
        return Path(path)

    def do(self, *parts: str) -> "subprocess.CompletedProcess[str]":
        """Paste into a shell what is told first, down to the first command, and these lines."""
        return self.paste(*map(self.line, parts))

    def paste(self, *lines: str) -> "subprocess.CompletedProcess[str]":
        """The same with lines as they stand."""
        told = self.said.splitlines()
        first = next(i for i, line in enumerate(told) if line.startswith("  NODE="))
        settings = [*itertools.takewhile(lambda line: "kubectl get" not in line, told[first:])]
        # As a machine that has no kubectl: what is told is enough.
        assert any("export PATH=" in line for line in settings)
        shell = ["sh", "-c", "\n".join([*settings, *lines])]
        return subprocess.run(
            shell, env=self.environment, capture_output=True, text=True, check=False
        )

    def line(self, part: str) -> str:
        """The line that has these words."""
        return next(line for line in self.said.splitlines() if part in line)

    def answers(self) -> bool:
        """Whether PostgreSQL does, to the user and by the certificate that are told."""
        names = ("ARCHIVER_DATABASE_URL=", "ARCHIVER_DATABASE_PASSWORD_FILE=")
        told = (self.line(name).partition("=")[2].strip('"') for name in names)
        conninfo, file = (text.replace("$NODE", str(self.folder)) for text in told)
        try:
            with psycopg.connect(conninfo, password=Path(file).read_text()) as connection:
                return connection.execute("SELECT true").fetchone() == (True,)
        except psycopg.OperationalError:
            return False


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    output = tmp_path / "output"
    (tmp_path / "home").mkdir()
    # A home of its own, so that whatever is there is the visit's; with the cache of all.
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(cache_root().parents[1]),
    }
    command = [sys.executable, "-m", "tests.node", "up"]
    with output.open("wb") as file:
        # A session of its own, as a terminal gives one.
        process = subprocess.Popen(
            command, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    visit = Visit(process, output, environment)
    try:
        eventually(lambda: "Ctrl-C" in visit.said or process.poll() is not None, 120)
        yield visit
    finally:
        process.kill()
        process.wait()


def test_what_is_told_works_and_ctrl_c_ends_it_whatever_the_visitor_did(visit: Visit) -> None:
    name = next(part for part in visit.folder.parts if part.startswith(PREFIX))
    nodes = visit.do("get nodes")
    assert "Ready" in nodes.stdout, nodes.stderr
    assert "remediationprocessings" in visit.do("kubectl apply -f tests/crds/").stdout
    for part in (" -m tests.resources ", "kubectl create -f", "kubectl replace --subresource"):
        done = visit.do(part)
        assert done.returncode == 0, done.stderr
    # Step 2 of the installation, which is told in full.
    _, _, after = visit.said.partition("Step 2 is\n")
    secrets = visit.paste(*after.partition("Go on")[0].splitlines())
    assert "secret/archiver-database created" in secrets.stdout, secrets.stderr
    assert "secret/archiver-database-owner created" in secrets.stdout
    assert any((visit.folder / "kubectl-cache" / "discovery").iterdir())
    assert visit.answers()
    visit.do("touch ")
    eventually(lambda: "PostgreSQL is off" in visit.said)
    assert not visit.answers()
    visit.do("  rm ")
    eventually(lambda: "PostgreSQL is on" in visit.said)
    assert visit.answers()
    asked = visit.paste(f"{visit.line('psql ')} --command 'SELECT 1'")
    assert asked.returncode == 0, asked.stderr
    dry_run = visit.do("export ARCHIVER_DATABASE_URL", "_PASSWORD_FILE=", "run --dry-run")
    # The database was reached: what it lacks is the schema, which is step 5's.
    assert dry_run.returncode == 78
    assert "archiver migrate" in dry_run.stderr
    visit.do("touch ")
    eventually(lambda: visit.said.count("PostgreSQL is off") == 2)
    os.killpg(visit.process.pid, signal.SIGINT)
    assert visit.process.wait(60) == 0
    assert "Traceback" not in visit.said
    assert of_run(name) == NOTHING
    assert list(Path(visit.environment["HOME"]).rglob("*")) == []

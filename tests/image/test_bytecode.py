"""Bytecode: all that a process loads has it, as a read-only root keeps none; API types have not."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from image.distribution import PYTHON
from image.environment import API_TYPES
from tests.image.conftest import Run
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

PACKAGES = f"usr/local/lib/{PYTHON}/dist-packages"

# By its Python, because the hash of a source and the format are those of its release.
STATE = """
import atexit, importlib.util, json, os, sys
from pathlib import Path
def state(source):
    bytecode = Path(importlib.util.cache_from_source(source))
    if not bytecode.exists():
        return "missing"
    unchecked = (1).to_bytes(4, "little")
    hashed = importlib.util.source_hash(Path(source).read_bytes())
    made_of = importlib.util.MAGIC_NUMBER + unchecked + hashed
    return "there" if bytecode.read_bytes()[:16] == made_of else "of another source"
"""
OF_WHAT_IS_LOADED = f"""{STATE}
out, leave = open(os.dup(1), "w"), os._exit
def say():
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    states = {{file[1:]: state(file) for file in files if file.endswith(".py")}}
    print("\\n" + json.dumps(states), file=out, flush=True)
def leave_at_once(code):
    say()
    leave(code)
atexit.register(say)
os._exit = leave_at_once
"""
OF_ALL = f"""{STATE}
folders = [folder for folder in sys.path if Path(folder).is_dir()]
files = {{str(file) for folder in folders for file in Path(folder).rglob("*.py")}}
print(json.dumps({{file[1:]: state(file) for file in files}}))
"""
IMPORT_OURS = """
import importlib, pkgutil
import archiver
for found in pkgutil.walk_packages(archiver.__path__, "archiver."):
    if found.name != "archiver.db.migrations.env":  # which Alembic alone can run
        importlib.import_module(found.name)
"""
COMMAND_LINE = """
sys.argv[0] = "archiver"
from archiver.__main__ import main
main()
"""


def states(run: Run, program: str, *arguments: str, **environment: str) -> dict[str, str]:
    """Source, as a path in the image → the state of its bytecode."""
    python = f"/usr/bin/{PYTHON}"
    done = run("-Ic", program, *arguments, program=python, network=bool(environment), **environment)
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    assert found, done.stderr
    return found


def without(states: dict[str, str]) -> dict[str, str]:
    return {file: state for file, state in states.items() if state != "there"}


@pytest.fixture(scope="module")
def ours(run: Run) -> dict[str, str]:
    """The states of what all of our modules load."""
    return states(run, OF_WHAT_IS_LOADED + IMPORT_OURS)


@pytest.fixture(scope="module")
def everything(run: Run) -> dict[str, str]:
    """The states of all modules of the image."""
    return states(run, OF_ALL)


def test_all_that_our_modules_load_has_its_bytecode(ours: dict[str, str]) -> None:
    assert {
        f"{PACKAGES}/{API_TYPES}/client/configuration.py",
        f"usr/lib/{PYTHON}/json/decoder.py",
    } <= ours.keys()
    assert without(ours) == {}


def test_no_module_lacks_it_but_api_types_that_nobody_loads(
    ours: dict[str, str], everything: dict[str, str]
) -> None:
    types = {file for file in everything if file.startswith(f"{PACKAGES}/{API_TYPES}/")}
    assert len(types) > 1000
    assert without(everything) == dict.fromkeys(types - ours.keys(), "missing")


def test_all_that_can_be_loaded_is_where_python_looks(
    root: Path, everything: dict[str, str]
) -> None:
    there = {str(path.relative_to(root)) for path in root.rglob("*.py")}
    assert there == everything.keys()
    assert len(list(root.rglob("*.pyc"))) == len(everything) - len(without(everything))


def test_the_start_runs_nothing_of_the_machine_that_built_it(run: Run) -> None:
    """As sitecustomize would be, a link to /etc."""
    loaded = states(run, OF_WHAT_IS_LOADED)
    assert [file for file in loaded if "customize" in file] == []


class Refusing(BaseHTTPRequestHandler):
    """An API server that lets nobody do anything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}'
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing of it is of interest."""


@pytest.fixture
def kubeconfig(root: Path) -> Iterator[str]:
    """Of that server, where the image's user can read it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever).start()
    named = {
        "clusters": {"cluster": {"server": f"http://127.0.0.1:{server.server_port}"}},
        "users": {"user": {"token": "t"}},
        "contexts": {"context": {"cluster": "it", "user": "it"}},
    }
    lists = {kind: [{"name": "it", **entry}] for kind, entry in named.items()}
    (file := root / "etc/archiver/kubeconfig").write_text(
        json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "it", **lists})
    )
    yield "/etc/archiver/kubeconfig"
    file.unlink()
    server.shutdown()
    server.server_close()


def test_nor_does_a_command_load_a_module_without_bytecode(run: Run, kubeconfig: str) -> None:
    """From the first migration to a cluster that refuses: what is imported where it is needed."""
    with PostgresServer.start(parent=memory_folder()) as server:
        given = {"ARCHIVER_DATABASE_URL": server.superuser_url(), "KUBECONFIG": kubeconfig}
        loaded = {
            command: states(run, OF_WHAT_IS_LOADED + COMMAND_LINE, *command.split(), **given)
            for command in ("--help", "migrate", "run", "backfill --from -", "retention drop")
        }
    lacking = {command: without(of_it) for command, of_it in loaded.items()}
    assert lacking == {command: {} for command in loaded}
    # Each has come as far as it can.
    assert f"{PACKAGES}/alembic/script/base.py" in loaded["migrate"]
    assert f"{PACKAGES}/archiver/kube/guard.py" in loaded["run"]

"""The entry point, run as in a pod: its user, no network, nothing writable."""

from pathlib import Path

from archiver.settings import Settings
from image.build import project
from image.distribution import PYTHON
from tests.image.conftest import Run


def test_it_says_what_it_can_do(run: Run) -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "backfill" in done.stdout


def test_it_is_this_version(run: Run) -> None:
    assert project()["version"] in run("--version").stdout


def test_it_prints_the_settings_in_force(run: Run) -> None:
    done = run("settings", ARCHIVER_RETENTION="48h")
    assert done.returncode == 0
    assert "172800s" in done.stdout
    assert all(name in done.stdout for name in Settings.model_fields)


def test_a_run_without_a_database_is_a_configuration_error(run: Run) -> None:
    done = run("run", "--dry-run=client")
    assert done.returncode == 78
    assert "ARCHIVER_DATABASE_URL" in done.stdout + done.stderr


def test_a_database_that_cannot_be_reached_is_tried_again(run: Run) -> None:
    done = run("run", ARCHIVER_DATABASE_URL="postgresql://writer@192.0.2.1/audit?connect_timeout=1")
    assert done.returncode == 75, done.stderr


def test_every_module_of_ours_can_be_imported(root: Path, run: Run) -> None:
    folder = root / "usr/local/lib" / PYTHON / "dist-packages"
    modules = [
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for path in (folder / "archiver").rglob("*.py")
        # One is a program, and Alembic alone runs the others.
        if path.name != "__main__.py" and "migrations" not in path.parts
    ]
    assert len(modules) > 50
    done = run("-Ic", f"import {','.join(modules)}", program=f"/usr/bin/{PYTHON}")
    assert (done.returncode, done.stderr) == (0, "")

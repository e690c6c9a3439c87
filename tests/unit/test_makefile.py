"""What make does about the image: which version, and when it is built anew."""

import subprocess
from pathlib import Path

import pytest

from image.build import build_args, project
from image.provenance import revision, source_date_epoch

# Whatever make thinks of the environment: it is not what is asked.
MAKE = ("make", "--no-print-directory", "--old-file=.venv/.installed")


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*MAKE, *arguments], capture_output=True, text=True, check=False)


def test_docker_is_told_version_commit_and_time(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho docker: $*\n")
    docker.chmod(0o755)
    done = make("image", f"DOCKER={docker}")
    said = [line.split() for line in done.stdout.splitlines() if line.startswith("docker: ")]
    assert len(said) == 1, done.stderr
    version = project()["version"]
    assert said[0][1] == "build"
    assert f"kubernaut-archiver:{version}" in said[0]
    told = {word.partition("=")[0]: word.partition("=")[2] for word in said[0] if "=" in word}
    assert told == build_args()
    assert told == {
        "VERSION": version,
        "REVISION": revision(),
        "SOURCE_DATE_EPOCH": str(source_date_epoch()),
    }


def test_docker_is_not_called_where_nobody_knows_what_to_tell(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    docker.chmod(0o755)
    done = make("image", f"DOCKER={docker}", "SOURCE_DATE_EPOCH=yesterday")
    assert done.returncode != 0
    assert "seconds since 1970" in done.stderr
    assert not (tmp_path / "called").exists()


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """An image that was just built."""
    path = tmp_path / "image.tar"
    path.touch()
    return str(path)


@pytest.mark.parametrize(
    "changed", ["archiver/log.py", "image/layer.py", "requirements/run.txt", "pyproject.toml"]
)
def test_an_image_that_is_older_than_its_sources_is_built_anew(archive: str, changed: str) -> None:
    target = ("--question", f"ARCHIVE={archive}", archive)
    assert make(*target).returncode == 0
    assert make(*target, f"--what-if={changed}").returncode == 1


def test_an_image_that_somebody_names_is_left_as_it_is(archive: str) -> None:
    done = make("--dry-run", "e2e-node", f"IMAGE={archive}", "--what-if=archiver/log.py")
    assert f"--image {archive} -- " in done.stdout
    assert "-m image" not in done.stdout
    assert "--build-image" not in done.stdout


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no.tar"
    done = make("--silent", f"IMAGE={missing}", str(missing))
    assert done.returncode != 0
    assert f"IMAGE={missing} names no file" in done.stderr


def test_kind_takes_dockers_image_where_docker_builds_it() -> None:
    said = make("--dry-run", "e2e-kind", "DOCKER=docker").stdout
    assert "docker build --tag kubernaut-archiver:" in said
    assert "tests.node.kind run  --name kubernaut-archiver:" in said
    assert "--archive" not in said


def test_kind_takes_an_archive_that_somebody_names(archive: str) -> None:
    said = make("--dry-run", "e2e-kind", f"IMAGE={archive}").stdout
    assert f"tests.node.kind run --archive {archive} --name kubernaut-archiver:" in said
    assert "docker build" not in said

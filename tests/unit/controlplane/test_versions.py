"""Which Kubernetes release is asked for, and which are known."""

from pathlib import Path

import pytest

from tests.controlplane.errors import UnknownVersion
from tests.controlplane.versions import (
    current_version,
    known_versions,
    minor_of,
    ordinal,
    requested_minor,
    resolve,
)


def test_one_current_minor_and_one_three_older_are_known() -> None:
    older, current = [ordinal(minor) for minor in known_versions()]
    assert (current[0], current[1] - 3) == older


def test_the_current_one_is_the_default() -> None:
    assert resolve(None) == current_version()
    assert current_version().minor == [*known_versions()][-1]


@pytest.mark.parametrize("minor", known_versions())
def test_a_known_minor_is_resolved_to_its_release(minor: str) -> None:
    version = resolve(minor)
    assert version.release.startswith(f"{minor}.")
    assert version.modfile.with_suffix(".sum").exists()


@pytest.mark.parametrize("unknown", ["1.0", "latest", "v1.37", "1.37.2", "../1.37"])
def test_an_unknown_one_is_refused_and_the_known_ones_are_listed(unknown: str) -> None:
    with pytest.raises(UnknownVersion) as error:
        resolve(unknown)
    assert all(minor in str(error.value) for minor in known_versions())


@pytest.mark.parametrize(
    ("asked", "environ", "expected"),
    [
        (None, {}, None),
        (None, {"KUBERNETES_VERSION": ""}, None),
        (None, {"KUBERNETES_VERSION": "1.34"}, "1.34"),
        ("1.37", {"KUBERNETES_VERSION": "1.34"}, "1.37"),
    ],
)
def test_an_argument_comes_before_the_variable(
    asked: str | None, environ: dict[str, str], expected: str | None
) -> None:
    assert requested_minor(asked, environ) == expected


def test_releases_are_ordered_by_number() -> None:
    assert ordinal("1.9.10") < ordinal("1.10.9")
    assert ordinal("go1.26.8") >= ordinal("1.26.0")
    assert minor_of("v1.37.2-rc.1") == "1.37"


def test_a_module_that_names_no_release_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "1.99"
    folder.mkdir()
    (folder / "go.mod").write_text("module example\n\ngo 1.26.0\n")
    with pytest.raises(UnknownVersion, match=r"1\.99"):
        known_versions(tmp_path)

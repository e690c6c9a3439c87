"""The time that built things carry, and the sources that they name."""

import subprocess
from pathlib import Path

import pytest

from image import provenance
from image.build import _source, build, labelled
from image.errors import ImageError
from image.provenance import SOURCES, revision, source_date_epoch


def test_the_time_is_the_one_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert source_date_epoch() == 1_700_000_000


@pytest.mark.parametrize("given", ["yesterday", "-1", "1.5", "2026-03-01", "99999999999"])
def test_a_time_that_is_none_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    with pytest.raises(ImageError, match="seconds since 1970"):
        source_date_epoch()


def test_a_time_that_no_wheel_can_hold_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4354819198")
    assert source_date_epoch() == 4_354_819_198
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4354819199")
    with pytest.raises(ImageError, match=r"'4354819199': .* at most 4354819198, .* 2107"):
        source_date_epoch()


def test_without_git_there_is_a_time_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert source_date_epoch() == 1_704_067_200


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write_sources(folder: Path) -> None:
    """A file of each of the sources."""
    for name in SOURCES:
        path = folder / name if Path(name).suffix else folder / name / "file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of one commit and a tag; the project's."""
    git(tmp_path, "init", "--quiet")
    write_sources(tmp_path)
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    git(tmp_path, "tag", "v1")
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    return tmp_path


def test_the_sources_are_named_by_their_commit_and_changes_to_it_are_told(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert revision() == commit
    (repository / "file").write_text("two")
    assert revision() == f"{commit}-dirty"


@pytest.mark.parametrize(
    ("added", "dirty"),
    [
        ("archiver/new.py", True),
        ("image/new.py", True),
        ("archiver/ignored-by-me.py", True),
        ("archiver/build/lib.py", False),
        ("notes.txt", False),
    ],
)
def test_a_new_file_is_a_change_where_it_may_be_in_the_image(
    repository: Path, monkeypatch: pytest.MonkeyPatch, added: str, *, dirty: bool
) -> None:
    (repository / ".gitignore").write_text("build/\n")
    git(repository, "add", ".gitignore")
    git(repository, "commit", "--quiet", "--message", "two")
    # The wheel does not know what somebody ignores for themselves.
    (repository / ".git/info/exclude").write_text("ignored-by-me.py\n")
    (repository / added).parent.mkdir(parents=True, exist_ok=True)
    (repository / added).write_text("new")
    assert revision().endswith("-dirty") is dirty


def test_the_image_says_when_and_from_what_it_was_built(repository: Path) -> None:
    labels = labelled({"Labels": {"a": "b"}}, 1_700_000_000)["Labels"]
    assert labels == {
        "a": "b",
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.revision": git(repository, "rev-parse", "HEAD"),
    }


def test_without_git_no_sources_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert list(labelled({"Labels": {}}, 0)["Labels"]) == ["org.opencontainers.image.created"]


def test_a_git_that_refuses_is_none_that_is_not_there(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # git's own switch for its tests: the repository is somebody else's.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    for asked in (revision, source_date_epoch):
        with pytest.raises(ImageError, match=r"(?s)dubious ownership.*safe\.directory"):
            asked()


def test_a_time_that_is_given_does_not_stand_for_a_commit_that_git_refuses_to_name(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with pytest.raises(ImageError, match="dubious ownership"):
        build(tmp_path / "dist" / "image.tar", tmp_path / "packages")
    assert not (tmp_path / "dist").exists()  # at once, not after minutes


@pytest.mark.parametrize("there", ["nothing", "no commit"])
def test_sources_of_no_commit_have_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    if there == "no commit":
        git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert revision() == ""
    assert source_date_epoch() == 1_704_067_200


@pytest.fixture
def inner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, unpacked into a folder that somebody else's repository ignores."""
    (inner := tmp_path / "outer" / "inner").mkdir(parents=True)
    git(inner.parent, "init", "--quiet")
    (inner.parent / ".gitignore").write_text("inner/\n")
    (inner.parent / "pyproject.toml").write_text("of something else")
    git(inner.parent, "add", ".")
    git(inner.parent, "commit", "--quiet", "--message", "one")
    write_sources(inner)
    monkeypatch.setattr(provenance, "PROJECT", inner)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return inner


def test_a_repository_around_the_sources_that_does_not_keep_them_does_not_name_them(
    inner: Path,
) -> None:
    assert revision() == ""
    assert source_date_epoch() == 1_704_067_200


def test_nor_does_one_that_keeps_a_part_of_them(inner: Path) -> None:
    git(inner.parent, "add", "--force", "inner/pyproject.toml", "inner/README.md")
    git(inner.parent, "commit", "--quiet", "--message", "two")
    assert revision() == ""


def test_one_that_keeps_them_all_does(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(inner.parent, "add", "--force", "inner")
    git(inner.parent, "commit", "--quiet", "--message", "two")
    commit = git(inner.parent, "rev-parse", "HEAD")
    assert revision() == commit
    (link := inner.parent.parent / "link").symlink_to(inner)
    monkeypatch.setattr(provenance, "PROJECT", link)
    assert revision() == commit
    (inner / "archiver" / "file").write_text("two")
    assert revision() == f"{commit}-dirty"


@pytest.mark.parametrize("name", ["Source", "repository"])
def test_where_the_sources_are_is_said_where_the_project_says_it(name: str) -> None:
    urls = {"Changelog": "https://example.org/changes", name: "https://example.org/sources"}
    assert _source(urls) == {"source": "https://example.org/sources"}


def test_nobody_guesses_where_the_sources_are() -> None:
    assert _source({"Changelog": "https://example.org/changes"}) == {}
    assert _source({}) == {}

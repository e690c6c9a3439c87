"""What the documents say is there: files, headings, targets of make, commands, settings."""

import re
from pathlib import Path

import pytest

from archiver.cli import cli
from archiver.errors import ArchiverError
from archiver.settings import Settings
from tests.manifests import job_specs

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
# A command in a code block or between backticks; what follows a space and is a word is its command.
_COMMAND = re.compile(r"(?:^|[`\n(]|&& )(?:\s*)archiver ([a-z]+)")
_MAKE = re.compile(r"(?:^|`)(?:\s*|sudo )make ([a-z][a-z0-9-]+)", re.MULTILINE)
# Named as not there yet; see README.
NOT_YET = {"doctor", "verify", "report", "quarantine"}


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(path: Path) -> str:
    """Its code blocks, and what stands between backticks in a line."""
    text = path.read_text()
    return "\n".join([*_FENCE.findall(text), *re.findall(r"`[^`\n]+`", _FENCE.sub("", text))])


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    broken = []
    for target in _LINK.findall(_FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_target_of_make_is_there(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(code_of(document))) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_command_is_there(document: Path) -> None:
    assert set(_COMMAND.findall(code_of(document))) <= set(cli.commands) | NOT_YET


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_setting_is_there(document: Path) -> None:
    named = set(re.findall(r"\bARCHIVER_([A-Z_]+)\b", document.read_text()))
    ours = {name for name in named if not name.startswith("TEST_")}
    known = {name.upper() for name in Settings.model_fields} | {"CONFIG"}
    assert ours <= known


def test_every_exit_code_is_explained() -> None:
    def codes(kind: type[ArchiverError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(each) for each in kind.__subclasses__()))

    def explained(document: str) -> set[int]:
        return {int(code) for code in re.findall(r"^\| (\d+) \|", document, re.MULTILINE)}

    operations = (ROOT / "docs/operations.md").read_text()
    assert codes(ArchiverError) | {0} <= explained(operations) | {70}
    assert "70 is a bug" in operations
    assert codes(ArchiverError) | {0} == explained((ROOT / "README.md").read_text())


def test_how_often_a_job_tries_again_is_what_its_manifest_says() -> None:
    jobs = job_specs()
    again = {
        name: job.get("backoffLimit", job.get("backoffLimitPerIndex")) for name, job in jobs.items()
    }
    backfills = {again["archiver-backfill"], again["archiver-backfill-sharded"]}
    told = (
        f"(CronJob {again['archiver']}, migration {again['archiver-migrate']}, backfill "
        f"{backfills.pop()} and that for each shard, dry run {again['archiver-dry-run']})"
    )
    assert backfills == set()
    assert told in (ROOT / "docs/operations.md").read_text()


def test_every_target_says_what_it_is_for() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z0-9-]+):(?!=)(.*)$", makefile, re.MULTILINE)
    assert targets
    assert [name for name, rest in targets if "## " not in rest] == []

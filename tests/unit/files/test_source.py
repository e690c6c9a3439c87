"""The port Source over files."""

import gzip
import io
import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from archiver.domain.plan import Surroundings
from archiver.errors import Configuration, Unavailable
from archiver.files import FileSource
from archiver.files.resource import guessed_plural
from archiver.files.selector import selector
from archiver.ports import UNKNOWN_CLUSTER, Page, Source

KUBE_SYSTEM = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "kube-system", "uid": "k"},
}

ANOTHER = {**KUBE_SYSTEM, "metadata": {"name": "kube-system", "uid": "z"}}


def ticket(name: str, version: str = "1", kind: str = "Ticket", **metadata: Any) -> dict[str, Any]:
    known = {"name": name, "namespace": "n", "uid": name, "resourceVersion": version}
    known["creationTimestamp"] = "2025-01-01T00:00:00Z"
    return {"apiVersion": "g.io/v1", "kind": kind, "metadata": known | metadata}


def source(tmp_path: Path, *objects: dict[str, Any], **options: Any) -> FileSource:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return FileSource([str(path)], group="g.io", **options)


def names(page: Page) -> list[str]:
    return [each.metadata.name for each in page.resources]


def test_it_is_a_source(tmp_path: Path) -> None:
    files: Source = source(tmp_path, ticket("a"), cluster_id="c")
    (page,) = files.pages()
    assert (files.live, files.cluster_id, names(page)) == (False, "c", ["a"])
    assert files.surroundings(page) == Surroundings()
    with pytest.raises(Unavailable, match="nobody can be asked"):
        files.read(page.resources[0])
    assert files.now == files.now > 1_700_000_000_000_000_000


def test_the_cluster_is_named_by_kube_system_if_it_comes_first(tmp_path: Path) -> None:
    files = source(tmp_path, KUBE_SYSTEM, ticket("a"))
    assert files.cluster_id == "k"
    assert [names(page) for page in files.pages()] == [["a"]]


def test_no_name_is_not_taken_for_the_current_directory() -> None:
    with pytest.raises(Configuration, match="no file is named"):
        FileSource([""], group="g.io")


def test_standard_input_that_is_closed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(Configuration, match="standard input is closed"):
        list(FileSource(["-"], group="g.io").pages())


def test_a_cluster_that_is_named_too_late_is_unknown(tmp_path: Path) -> None:
    files = source(tmp_path, ticket("a"), KUBE_SYSTEM)
    assert [names(page) for page in files.pages()] == [["a"]]
    assert files.cluster_id == UNKNOWN_CLUSTER


@pytest.mark.parametrize(
    "second", [[ANOTHER, ticket("b")], [ticket("b"), ANOTHER]], ids=["before", "behind"]
)
def test_a_dump_of_another_cluster_is_refused_before_anything_is_given(
    tmp_path: Path, second: list[dict[str, Any]]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps([KUBE_SYSTEM, ticket("a")]))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(second, indent=4).encode()))
    files = FileSource([str(tmp_path)], group="g.io", page_bytes=1)
    said = r"b\.json\.gz item \d has the uid z.*a\.json item 1 says \(k\).*--cluster-id"
    with pytest.raises(Configuration, match=said):
        next(files.pages())


def test_a_dump_of_another_cluster_than_the_given_one_is_refused(tmp_path: Path) -> None:
    files = source(tmp_path, ticket("a"), KUBE_SYSTEM, cluster_id="c", page_bytes=1)
    with pytest.raises(Configuration, match=r"line 2 has the uid k.*--cluster-id says \(c\)"):
        next(files.pages())


def test_a_kube_system_of_the_given_cluster_is_no_other(tmp_path: Path) -> None:
    files = source(tmp_path, KUBE_SYSTEM, ticket("a"), KUBE_SYSTEM, cluster_id="K")
    assert [names(page) for page in files.pages()] == [["a"]]


def test_two_clusters_are_refused_also_where_none_is_in_force(tmp_path: Path) -> None:
    files = source(tmp_path, ticket("a"), KUBE_SYSTEM, ANOTHER, page_bytes=1)
    with pytest.raises(Configuration, match="another cluster"):
        next(files.pages())


@pytest.mark.parametrize("kind", ["NamespaceList", "List"])
def test_a_namespace_may_be_an_item_of_its_own_list_or_of_yaml(tmp_path: Path, kind: str) -> None:
    namespace = {**ANOTHER} if kind == "List" else {"metadata": ANOTHER["metadata"]}
    listed = {"apiVersion": "v1", "kind": kind, "items": [namespace]}
    for name, text in (("b.json", json.dumps(listed)), ("b.yaml", yaml.safe_dump(listed))):
        (tmp_path / name).write_text(text)
        files = FileSource([str(tmp_path / name)], group="g.io", cluster_id="k")
        with pytest.raises(Configuration, match="has the uid z"):
            next(files.pages())


def test_what_can_be_read_once_is_given_up_to_the_other_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects = [KUBE_SYSTEM, ticket("a"), ticket("b"), ANOTHER, ticket("c")]
    text = "".join(json.dumps(each) + "\n" for each in objects)
    for page_bytes, given in ((1, [["a"], ["b"]]), (1 << 20, [])):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        pages = FileSource(["-"], group="g.io", page_bytes=page_bytes).pages()
        assert [names(page) for page in islice(pages, len(given))] == given
        with pytest.raises(Configuration, match="standard input line 4 has the uid z"):
            next(pages)


def test_other_kinds_are_counted(tmp_path: Path) -> None:
    files = source(tmp_path, KUBE_SYSTEM, ticket("a"), ticket("b", kind="Other"), plural="tickets")
    with capture_logs() as logs:
        assert [names(page) for page in files.pages()] == [["a"]]
    assert files.ignored == {"Other.g.io": 1}
    said = {"event": "objects.ignored", "wanted": "tickets.g.io", "kinds": dict(files.ignored)}
    assert [log for log in logs if log.items() >= said.items()]


def test_files_that_are_not_read_because_of_their_name_are_counted_and_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("monday.txt", "sub/more.TXT", "dumps.tar.gz", "x.json.1", "README"):
        (tmp_path / name).write_text("{}")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "x.json").write_text(json.dumps([]))
    files = FileSource([str(tmp_path)], group="g.io", cluster_id="c")
    with capture_logs() as logs:
        assert list(files.pages()) == []
    kinds = {"*.txt": 2, "*.tar.gz": 1, "*.1": 1, "*": 1, "*.json": 1}
    assert files.ignored == {f"file {kind}": count for kind, count in kinds.items()}
    (said,) = [log["files"] for log in logs if log["event"] == "objects.ignored"]
    assert {str(tmp_path / "monday.txt"), str(tmp_path / "sub" / "more.TXT")} < set(said)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (("kind",), "no-kind"),
        (("apiVersion",), "no-api-version"),
        (("apiVersion", "kind"), "no-kind"),
    ],
)
def test_an_object_that_does_not_say_what_it_is_is_not_passed_over(
    tmp_path: Path, missing: tuple[str, ...], reason: str
) -> None:
    nameless = {key: value for key, value in ticket("a").items() if key not in missing}
    files = source(tmp_path, nameless, ticket("b"), cluster_id="c", plural="tickets")
    (page,) = files.pages()
    assert [(bad.reason, bad.uid) for bad in page.unparsed] == [(reason, "a")]
    assert (names(page), files.ignored) == (["b"], {})


def test_an_empty_object_is_not_passed_over(tmp_path: Path) -> None:
    (page,) = source(tmp_path, {}, cluster_id="c").pages()
    assert [bad.reason for bad in page.unparsed] == ["no-kind"]


def test_a_kind_may_be_named_whose_plural_cannot_be_guessed(tmp_path: Path) -> None:
    objects = [ticket("a", kind="Proc"), ticket("b", kind="Process")]
    files = source(tmp_path, *objects, cluster_id="c", plural="processes", kind="Proc")
    assert [names(page) for page in files.pages()] == [["a"]]


def test_a_dump_of_other_kinds_alone_is_no_empty_dump(tmp_path: Path) -> None:
    objects = [ticket("a", kind="Proc"), ticket("b", kind="Proc"), ticket("c", kind="Other")]
    files = source(tmp_path, *objects, cluster_id="c", plural="processes")
    with pytest.raises(Configuration, match=r"processes\.g\.io.*2 Proc\.g\.io.*--kind"):
        list(files.pages())


def test_a_dump_whose_objects_are_all_of_another_namespace_is_as_empty_as_that(
    tmp_path: Path,
) -> None:
    objects = [ticket("a"), ticket("b", kind="Other")]
    files = source(tmp_path, *objects, cluster_id="c", plural="tickets", namespace="m")
    assert list(files.pages()) == []


@pytest.mark.parametrize("objects", [(), (KUBE_SYSTEM,)])
def test_a_dump_of_nothing_but_its_cluster_is_an_empty_dump(
    tmp_path: Path, objects: tuple[dict[str, Any], ...]
) -> None:
    nothing = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    assert list(source(tmp_path, nothing, plural="tickets").pages()) == []


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("RemediationProcessing", "remediationprocessings"), ("AIAnalysis", "aianalysises"),
     ("Policy", "policies")],
)  # fmt: skip
def test_plurals_are_guessed_as_kubernetes_does(kind: str, plural: str) -> None:
    assert guessed_plural(kind) == plural


def test_a_lone_surrogate_does_not_hide_whose_object_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [ticket("a", annotations={"x": "\ud800"}), ticket("b", annotations={"x": "\ud800"})]
    lines[1]["apiVersion"] = "other.io/v1"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    (page,) = FileSource([str(path)], group="g.io", cluster_id="c").pages()
    assert (names(page), list(page.unparsed)) == (["a"], [])
    assert b"\\ud800" in page.resources[0].raw


def test_no_page_has_a_uid_twice(tmp_path: Path) -> None:
    objects = [ticket("a"), ticket("a"), ticket("b"), ticket("a", "2")]
    files = source(tmp_path, *objects, cluster_id="c")
    assert [names(page) for page in files.pages()] == [["a", "b"], ["a"]]
    assert files.repeated == 1


def test_another_state_of_the_same_resource_version_is_not_passed_over(tmp_path: Path) -> None:
    objects = [ticket("a"), ticket("a", labels={"edited": "yes"}), ticket("a")]
    files = source(tmp_path, *objects, cluster_id="c")
    given = [page.resources[0].raw for page in files.pages()]
    assert [json.loads(raw) for raw in given] == objects[:2]
    assert files.repeated == 1


def test_the_same_bytes_are_repeated_also_without_a_resource_version(tmp_path: Path) -> None:
    files = source(tmp_path, ticket("a", ""), ticket("a", ""), cluster_id="c")
    assert [names(page) for page in files.pages()] == [["a"]]
    assert files.repeated == 1


def test_pages_are_bounded_by_bytes(tmp_path: Path) -> None:
    files = source(tmp_path, ticket("a"), ticket("b"), cluster_id="c", page_bytes=1)
    assert [names(page) for page in files.pages()] == [["a"], ["b"]]


def test_what_is_no_resource_is_given_as_such(tmp_path: Path) -> None:
    files = source(tmp_path, ticket("a", creationTimestamp=None), ticket("b"), cluster_id="c")
    (page,) = files.pages()
    assert [(bad.reason, bad.uid) for bad in page.unparsed] == [("no-creation-time", "a")]
    assert page.unparsed[0].position.endswith("x.jsonl line 1")
    assert names(page) == ["b"]


def test_namespaces_and_labels(tmp_path: Path) -> None:
    objects = [ticket("a"), ticket("b", namespace="m"), ticket("c", labels={"x": "1"})]
    options: dict[str, Any] = {"namespace": "n", "label_selector": "x=1"}
    files = source(tmp_path, *objects, cluster_id="c", **options)
    assert [names(page) for page in files.pages()] == [["c"]]


@pytest.mark.parametrize(
    ("text", "selected"),
    [("", True), ("a=1", True), ("a==2", False), ("a!=2,b", False), ("!b, a in (1, 2)", True),
     ("a notin (1)", False), ("b!=1", True), ("a=", False)],
)  # fmt: skip
def test_selectors(text: str, selected: bool) -> None:
    assert selector(text)({"a": "1"}) is selected


def test_a_selector_that_cannot_be_read() -> None:
    with pytest.raises(Configuration, match="a in 1"):
        selector("a in 1")


@pytest.mark.parametrize("content", ["null", "5"])
def test_a_dump_of_no_object_is_said_to_be_that(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    (page,) = FileSource([str(tmp_path / "x.json")], group="g.io", cluster_id="c").pages()
    assert [bad.reason for bad in page.unparsed] == ["not-json"]
    assert page.unparsed[0].message.endswith(f"x.json: b'{content}' is no JSON object")

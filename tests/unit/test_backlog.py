"""Pages that wait for their marks come back as they were, in their order."""

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from archiver.backlog import Backlog
from archiver.domain.mark import ANNOTATIONS, DIGEST, FINALIZER, STORE, UID, Mark, merge_patch
from archiver.domain.metadata import Key, Metadata
from archiver.domain.plan import Archive, Cause, plan
from archiver.pending import Pending, Stored, Waiting
from tests.fakes.cluster import Object, parsed
from tests.fakes.world import World, resource

# JSON's, whatever a server puts into names and versions.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**63), 2**64 - 1)


@st.composite
def objects(draw: st.DrawFn) -> Pending:
    uid = draw(TEXTS)
    kept = Metadata(
        name=draw(TEXTS),
        namespace=draw(TEXTS),
        uid=uid,
        resource_version=draw(TEXTS),
        generation=draw(NUMBERS),
        finalizers=draw(st.none() | st.lists(TEXTS)),
    )
    at = draw(st.datetimes(timezones=st.just(UTC)))
    mark = Mark(draw(TEXTS), uid, draw(TEXTS), draw(TEXTS), draw(TEXTS), at)
    cause = draw(st.sampled_from(Cause))
    key = Key(uid, draw(NUMBERS))
    return Pending(draw(TEXTS), draw(TEXTS), kept, key, mark, cause, draw(st.booleans()))


PAGES = st.builds(
    Waiting,
    st.lists(objects(), max_size=3),
    st.lists(objects(), max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.sets(TEXTS, max_size=2),
)


@given(st.lists(PAGES, max_size=3))
def test_what_is_taken_is_what_was_added(pages: list[Waiting]) -> None:
    backlog = Backlog(1 << 20)
    for page in pages:
        backlog.add(page, 0)
    assert len(backlog) == len(pages)
    assert [backlog.take()[0] for _ in pages] == pages
    assert not backlog


def test_it_is_full_by_the_bytes_that_wait_and_empty_again_once_they_are_taken() -> None:
    backlog = Backlog(1)
    assert not backlog.full
    backlog.add(Waiting(), 7.5)
    assert backlog.full
    assert backlog.take() == (Waiting(), 7.5)
    assert not backlog.full


def test_an_object_takes_a_hundred_bytes_or_so() -> None:
    page = Stored(confirmed=[archive(resource(f"rp-{n}")) for n in range(200)]).waiting()
    backlog = Backlog(200 * 160)
    backlog.add(page, 0)
    assert not backlog.full


def test_mark_of_what_waited_is_the_mark_of_what_was_read() -> None:
    held = resource("one")
    held["metadata"]["finalizers"] = ["a/b", FINALIZER, "c/d"]
    held["metadata"]["annotations"] = {"note": "x" * 1000}
    read = archive(held)
    backlog = Backlog(1)
    backlog.add(Stored(confirmed=[read]).waiting(), 0)
    (one,) = backlog.take()[0].confirmed
    assert merge_patch(one.metadata, one.mark) == merge_patch(read.resource.metadata, read.mark)
    assert (str(one), one.key) == (str(read.resource), read.resource.key)
    assert not one.metadata.annotations


def test_only_a_mark_of_this_store_with_another_digest_is_replaced() -> None:
    plain = archive(resource("one"))
    mine = {STORE: "store", UID: plain.resource.key.uid, DIGEST: plain.digest}
    for annotations, replaces in (
        ({}, False),
        (mine, False),
        (mine | {DIGEST: "0" * 64}, True),
        (mine | {DIGEST: "0" * 64, STORE: "another"}, False),
        (mine | {DIGEST: "0" * 64, UID: "of its namesake"}, False),
    ):
        assert set(annotations) <= ANNOTATIONS
        held = resource("one")
        held["metadata"]["annotations"] = annotations
        (one,) = Stored(confirmed=[archive(held)]).waiting().confirmed
        assert one.replaces_mark is replaces, annotations


def archive(manifest: Object) -> Archive:
    decision = plan(parsed(manifest), World().terms())
    assert isinstance(decision, Archive)
    return decision

"""Lists: complete, bounded, and each object once."""

import json
from collections.abc import Callable

import pytest

from archiver.errors import Configuration, Unavailable
from archiver.kube.custom_resources import CustomResourcePages
from archiver.kube.pagination import PageSize, Pagination
from archiver.ports import Page
from tests.unit.kube.stub import Reply, Stub, status

Start = Callable[..., Stub]


def item(path: str, filler: str = "", **fields: object) -> dict[str, object]:
    namespace, name = path.split("/")
    metadata = {"namespace": namespace, "name": name, "uid": f"uid-{path}"}
    metadata["creationTimestamp"] = "2024-01-31T00:00:00Z"
    return {"metadata": metadata, "spec": {"filler": filler}, **fields}


def page(*items: object, token: str = "") -> Reply:
    metadata = {"continue": token, "resourceVersion": "7"}
    head = {"apiVersion": "g/v1", "kind": "TicketList", "metadata": metadata}
    return Reply(200, {**head, "items": list(items)})


def expired(token: str | None = None) -> Reply:
    metadata = {} if token is None else {"continue": token}
    return status(410, "too old", reason="Expired", metadata=metadata)


def listing(
    server: Stub, most: int = 500, most_bytes: int = 1 << 20, unconverted: str = ""
) -> Pagination:
    size = PageSize(most, most_bytes)
    return Pagination(server.client(), "/list", (), size=size, unconverted=unconverted)


def pages(
    server: Stub, most: int = 500, most_bytes: int = 1 << 20, unconverted: str = ""
) -> list[Page]:
    return list(CustomResourcePages(listing(server, most, most_bytes, unconverted)))


def names(found: list[Page]) -> list[str]:
    return [resource.metadata.name for one in found for resource in one.resources]


def asked(server: Stub, key: str) -> list[str]:
    return [request.query.get(key, "") for request in server.requests]


def test_page_after_page(stub: Start) -> None:
    server = stub(page(item("n/a"), item("n/b"), token="1"), page(item("n/c")))
    found = pages(server)
    assert names(found) == ["a", "b", "c"]
    assert asked(server, "continue") == ["", "1"]
    assert all("resourceVersion" not in request.query for request in server.requests)
    first = found[0].resources[0]
    assert (first.api_version, first.kind) == ("g/v1", "Ticket")
    assert json.loads(first.raw) == item("n/a")
    assert found[0].nbytes > 2 * len(first.raw)


def test_an_items_own_kind_comes_first(stub: Start) -> None:
    server = stub(page(item("n/a", apiVersion="h/v2", kind="Other")))
    [resource] = pages(server)[0].resources
    assert (resource.api_version, resource.kind) == ("h/v2", "Other")


def test_a_token_that_expired_is_exchanged(stub: Start) -> None:
    server = stub(page(item("n/a"), token="1"), expired("2"), page(item("n/b")))
    assert names(pages(server)) == ["a", "b"]
    assert asked(server, "continue") == ["", "1", "2"]


def test_without_a_token_the_list_begins_anew_and_nothing_comes_twice(stub: Start) -> None:
    server = stub(
        page(item("a-b/x"), item("a/x"), token="1"),
        page(item("a/y"), token="2"),
        expired(),
        # Some of what was seen is gone, some is new: before, between and behind.
        page(item("a-b/new"), item("a-b/x"), token="3"),
        page(item("a/x"), {"metadata": {}}, item("a/y"), item("a/y-new"), item("b/x")),
    )
    assert names(pages(server)) == ["x", "x", "y", "y-new", "x"]
    assert asked(server, "continue") == ["", "1", "2", "", "3"]


def test_an_exchanged_token_that_expired_as_well(stub: Start) -> None:
    server = stub(
        page(item("n/a"), token="1"), expired("2"), expired("3"), page(item("n/a"), item("n/b"))
    )
    assert names(pages(server)) == ["a", "b"]
    assert asked(server, "continue") == ["", "1", "2", ""]


def test_a_list_that_always_expires(stub: Start) -> None:
    with pytest.raises(Unavailable, match="expired 6 times"):
        pages(stub(page(item("n/a"), token="1"), expired()))


def test_a_list_that_is_not_sorted_cannot_begin_anew(stub: Start) -> None:
    with pytest.raises(Unavailable, match="not sorted"):
        pages(stub(page(item("n/b"), item("n/a"), token="1"), expired(), page()))


def test_a_server_that_goes_round_in_circles(stub: Start) -> None:
    with pytest.raises(Unavailable, match="same page again"):
        pages(stub(page(item("n/a"), token="1")))


@pytest.mark.parametrize(
    "broken", [Reply(200, b'{"kind":"TicketList","it'), Reply(200, b"<html>hello</html>")]
)
def test_a_broken_page_is_asked_for_again(stub: Start, broken: Reply) -> None:
    server = stub(page(item("n/a"), token="1"), broken, broken, page(item("n/b")))
    assert names(pages(server)) == ["a", "b"]
    assert asked(server, "continue") == ["", "1", "1", "1"]
    with pytest.raises(Unavailable, match="malformed"):
        pages(stub(broken))


def test_a_page_that_is_cut_short_is_asked_for_again(stub: Start) -> None:
    whole = page(item("n/a"))
    server = stub(
        Reply(200, whole.data, cut=10), Reply(200, whole.data, cut=10, chunked=True), whole
    )
    assert names(pages(server)) == ["a"]


@pytest.mark.parametrize(
    "answer", [Reply(404, b"404 page not found\n"), status(404, "not found"), status(400)]
)
def test_what_cannot_be_listed_is_not_empty(stub: Start, answer: Reply) -> None:
    with pytest.raises(Configuration, match="list of /list"):
        pages(stub(answer))


# Earlier releases begin with "conversion webhook".
UNCONVERTIBLE = (
    "Internal error occurred: StorageError: corrupt object, Code: 7, Key: /g/list/conv/o1, "
    "ResourceVersion: 0, AdditionalErrorMsg: object not decodable revision=400: "
    "conversion webhook for g/v1, Kind=Ticket failed: cannot convert o1"
)


@pytest.mark.usefixtures("virtual_time")
def test_an_object_that_cannot_be_converted_has_a_way_out(stub: Start) -> None:
    server = stub(page(item("n/a"), token="1"), status(500, UNCONVERTIBLE))
    mend = r"o1 \(HTTP 500\); one object .* any behind it: mend .* its conversion webhook"
    stored = r", or read .* version it is stored in: --resource tickets\.VERSION\.g$"
    with pytest.raises(Unavailable, match=f"^list of /list: .*{mend}{stored}"):
        pages(server, unconverted="tickets.VERSION.g")
    # No setting chooses the version of owners.
    with pytest.raises(Unavailable, match=f"{mend}$"):
        pages(stub(status(500, UNCONVERTIBLE.partition("revision=400: ")[2])))


@pytest.mark.usefixtures("virtual_time")
def test_another_500_has_no_way_out(stub: Start) -> None:
    with pytest.raises(Unavailable, match=r"leader changed \(HTTP 500\)$"):
        pages(stub(status(500, "etcdserver: leader changed")))


def test_the_first_page_is_small_and_the_next_ones_grow(stub: Start) -> None:
    replies = [page(item(f"n/{number}"), token=str(number)) for number in range(1, 6)]
    server = stub(*replies, page())
    pages(server)
    assert asked(server, "limit") == ["50", "100", "200", "400", "500", "500"]
    few = stub(page())
    pages(few, most=10)
    assert asked(few, "limit") == ["10"]


def test_pages_shrink_to_what_fits(stub: Start) -> None:
    large = [item(f"n/{number}", "x" * 20_000) for number in range(4)]
    server = stub(page(*large, token="1"), page(*large[:1], token="2"), page())
    pages(server, most_bytes=100_000)
    # 50 kB are two objects; after one of half that average, four times what was.
    assert asked(server, "limit") == ["50", "2", "2"]


def test_a_page_beyond_the_bound_is_given_up_and_asked_for_in_parts(stub: Start) -> None:
    large = [item(f"n/{number}", "x" * 20_000) for number in range(60)]
    server = stub(
        page(item("m/a"), token="1"),
        page(*large),
        page(*large[:25]),
        page(*large[:2], token="2"),
        page(*large[2:3]),
    )
    assert len(names(pages(server, most_bytes=100_000))) == 4
    assert asked(server, "limit") == ["50", "100", "25", "6", "2"]
    assert asked(server, "continue") == ["", "1", "1", "1", "2"]


def test_one_object_beyond_the_bound_is_read_whole(stub: Start) -> None:
    huge = item("n/a", "x" * 50_000)
    server = stub(page(huge, huge), page(huge, huge), page(huge, huge), page(huge))
    assert names(pages(server, most_bytes=40_000)) == ["a"]
    assert asked(server, "limit") == ["50", "12", "3", "1"]


def test_bad_items_are_named_and_stop_no_other(stub: Start) -> None:
    bad = item("n/b")
    bad["metadata"] = {"name": "b", "namespace": "n", "uid": "u"}
    server = stub(page(item("n/a"), bad, {"metadata": 7}, item("n/e")))
    [found] = pages(server)
    assert names([found]) == ["a", "e"]
    assert [(one.position, one.reason, one.uid) for one in found.unparsed] == [
        ("n/b", "no-creation-time", "u"),
        ("item 2 of page 1", "bad-metadata", ""),
    ]
    assert json.loads(found.unparsed[0].raw) == bad
    assert "n/b: metadata.creationTimestamp is missing" in found.unparsed[0].message


def test_an_item_beyond_all_depth(stub: Start) -> None:
    deep = json.dumps(item("n/b", "HERE")).replace('"HERE"', "[" * 6000 + "]" * 6000)
    body = page(item("n/a"), "DEEP", item("n/c")).data.replace(b'"DEEP"', deep.encode())
    [found] = pages(stub(Reply(200, body)))
    assert names([found]) == ["a", "c"]
    [unparsed] = found.unparsed
    assert (unparsed.position, unparsed.reason) == ("n/b", "too-deep")
    assert unparsed.raw == deep.encode()


def test_the_beginning_of_the_list_is_dated(stub: Start) -> None:
    dated = [
        page(item("n/a"), token="1") | {"Date": "Wed, 31 Jan 2024 00:00:01 GMT"},
        page(item("n/b")) | {"Date": "Wed, 31 Jan 2024 00:00:09 GMT"},
    ]
    began = listing(stub(*dated))
    assert list(began.pages(lambda listed, nbytes: nbytes > 0)) == [True, True]
    assert began.began_at == 1_706_659_201_000_000_000

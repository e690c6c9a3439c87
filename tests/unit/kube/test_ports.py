"""Source and Marker where an API server is at its strangest; the rest is in the contract tests."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from archiver.domain.custom_resource import CustomResource, parse
from archiver.domain.gotime import parse_time
from archiver.domain.mark import Mark, merge_patch
from archiver.domain.metadata import Metadata
from archiver.domain.plan import Archive, Cause, Terms, plan
from archiver.domain.policy import Policy
from archiver.errors import Configuration, Forbidden, MarkRefused, Unavailable
from archiver.kube import KubeMarker, KubeSource, Resource, discover, missing_rights
from archiver.kube.discovery import resource_of_kind
from archiver.ports import MarkOutcome, Page, Unparsed
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import Reply, Stub, status
from tests.unit.kube.test_pagination import item, page

Start = Callable[..., Stub]

TICKETS = Resource("g", "v1", "tickets", "Ticket")
VERBS = ["get", "list", "patch"]


def group(*versions: str, preferred: str | None = None) -> Reply:
    shown: dict[str, Any] = {"versions": [{"version": version} for version in versions]}
    return Reply(200, shown | ({"preferredVersion": {"version": preferred}} if preferred else {}))


def served(
    *names: str, kind: str = "Ticket", verbs: list[str] = VERBS, namespaced: bool = True
) -> Reply:
    each = [{"name": n, "kind": kind, "namespaced": namespaced, "verbs": verbs} for n in names]
    return Reply(200, {"resources": each})


def resource(status: object = None, **metadata: Any) -> CustomResource:
    raw = item("n/a") | {"apiVersion": "g/v1", "kind": "Ticket", "status": status}
    raw["metadata"] = {**item("n/a")["metadata"], "resourceVersion": "7", **metadata}  # type: ignore[dict-item]
    return parse(json.dumps(raw).encode(), position="")


def owners(*pairs: tuple[str, str]) -> Page:
    references = [
        {"apiVersion": version, "kind": kind, "name": "o", "uid": f"uid-{kind}"}
        for version, kind in pairs
    ]
    return Page([resource(ownerReferences=references)])


MARK = Mark("cd" * 32, "uid-n/a", "completed", "store", "run", datetime(2024, 1, 31, tzinfo=UTC))

# What the API server answers to that mark.
MARKED = Reply(
    200, {"metadata": merge_patch(Metadata(uid="u", resource_version="1"), MARK)["metadata"]}
)


class TestDiscovery:
    def test_the_preferred_version_comes_first(self, stub: Start) -> None:
        server = stub(group("v2", "v1", preferred="v1"), served("tickets"))
        assert discover(server.client(), group="g", plural="tickets") == TICKETS
        assert [request.path for request in server.requests] == ["/apis/g", "/apis/g/v1"]

    def test_another_version_where_the_preferred_one_lacks_it(self, stub: Start) -> None:
        server = stub(group("v2", "v1", preferred="v2"), served("others"), served("tickets"))
        assert discover(server.client(), group="g", plural="tickets") == TICKETS

    def test_a_version_that_vanishes_meanwhile(self, stub: Start) -> None:
        server = stub(group("v2", "v1"), Reply(404, b"404 page not found"), served("tickets"))
        assert discover(server.client(), group="g", plural="tickets") == TICKETS

    def test_what_is_terminating_is_not_written_to(self, stub: Start) -> None:
        server = stub(group("v1"), served("tickets", verbs=["delete", "get", "list"]))
        with pytest.raises(Configuration, match=r"only delete, get, list: .* is being deleted"):
            discover(server.client(), group="g", plural="tickets")

    @pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 50_000])
    def test_an_answer_that_is_none(self, stub: Start, body: bytes) -> None:
        with pytest.raises(Unavailable, match="discovery"):
            discover(stub(Reply(200, body)).client(), group="g", plural="tickets")

    def test_a_right_that_is_missing(self, stub: Start) -> None:
        with pytest.raises(Forbidden, match="discovery of g"):
            discover(stub(status(403)).client(), group="g", plural="tickets", version="v1")

    def test_the_core_group(self, stub: Start) -> None:
        server = stub(served("pods/status", "pods", kind="Pod"))
        pods = resource_of_kind(server.client(), "v1", "Pod")
        assert pods is not None
        assert (pods.path("n"), str(pods), pods.api_version) == (
            "/api/v1/namespaces/n/pods",
            "pods",
            "v1",
        )
        assert resource_of_kind(server.client(), "v1", "Other") is None

    def test_an_owner_whose_version_is_no_longer_served(self, stub: Start) -> None:
        server = stub(Reply(404, b"404 page not found"), group("v1"), served("tickets"))
        assert resource_of_kind(server.client(), "g/v1alpha1", "Ticket") == TICKETS

    def test_paths(self) -> None:
        assert str(TICKETS) == "tickets.g/v1"
        assert TICKETS.path() == "/apis/g/v1/tickets"
        assert TICKETS.path("a/b", "c?d") == "/apis/g/v1/namespaces/a%2Fb/tickets/c%3Fd"
        everywhere = dataclasses.replace(TICKETS, namespaced=False)
        assert everywhere.path("n", "x") == "/apis/g/v1/tickets/x"


def source(server: Stub, **settings: Any) -> KubeSource:
    return KubeSource(server.client(), group="g", plural="tickets", version="v1", **settings)


class TestSource:
    def test_the_clock_needs_a_date(self, stub: Start) -> None:
        with pytest.raises(Configuration, match="Date header"):
            _ = source(stub(served("tickets") | {"Date": ""})).now

    def test_a_namespace_for_what_is_cluster_scoped_is_refused(self, stub: Start) -> None:
        server = stub(served("tickets", namespaced=False))
        with pytest.raises(
            Configuration, match=r"tickets\.g/v1 is cluster-scoped: .* alerts; leave"
        ):
            _ = source(server, namespace="alerts").resource
        everywhere = source(stub(served("tickets", namespaced=False))).resource
        assert not everywhere.namespaced

    def test_the_clock_is_read_once(self, stub: Start) -> None:
        server = stub(served("tickets") | {"Date": "Wed, 31 Jan 2024 00:00:01 GMT"})
        observed = source(server)
        _ = observed.resource
        assert observed.now == 1_706_659_201_000_000_000
        assert len(server.requests) == 1

    def test_the_cluster_id_may_be_given(self, stub: Start) -> None:
        for reply in (status(403, "no right"), Reply(200, {"metadata": {"uid": "c"}})):
            given = source(stub(reply), given_cluster_id="c")
            assert (given.cluster_id, given.live) == ("c", True)

    def test_the_cluster_contradicts_the_id_that_is_given(self, stub: Start) -> None:
        server = stub(Reply(200, {"metadata": {"uid": "c"}}))
        with pytest.raises(Configuration, match=r"given is d, and that of http\S+ is c: .*wrong"):
            _ = source(server, given_cluster_id="d").cluster_id

    @pytest.mark.parametrize(
        ("answer", "error", "text"),
        [
            (
                status(403, 'User "x" cannot get resource "namespaces" in API group ""'),
                Forbidden,
                r"grant .*: \[namespaces\], verbs: \[get\].*, or name the cluster by cluster_id",
            ),
            (status(404), Configuration, "cluster's identity"),
            (Reply(200, b'{"metadata":{}}'), Unavailable, "identity.* answer that is none"),
            (Reply(200, b"<html>a proxy's page \xff</html>"), Unavailable, "that is none"),
            (Reply(200, b"[" * 50_000), Unavailable, "that is none"),
        ],
    )
    def test_a_cluster_that_cannot_be_told(
        self, stub: Start, answer: Reply, error: type[Exception], text: str
    ) -> None:
        with pytest.raises(error, match=text):
            _ = source(stub(answer)).cluster_id

    def test_a_definition_that_goes_away_meanwhile_is_no_empty_list(self, stub: Start) -> None:
        server = stub(served("tickets"), page(), served("others"))
        pages = source(server).pages()
        assert next(pages).resources == []
        with pytest.raises(Configuration, match="does not serve"):
            next(pages)

    @pytest.mark.usefixtures("virtual_time")
    def test_what_cannot_be_converted_may_be_read_as_it_is_stored(self, stub: Start) -> None:
        failed = status(500, "conversion webhook for g/v2, Kind=Ticket failed: no")
        way_out = r"--resource tickets\.VERSION\.g$"
        with pytest.raises(Unavailable, match=way_out):
            next(source(stub(served("tickets"), failed)).pages())
        with pytest.raises(Unavailable, match=way_out):
            source(stub(served("tickets"), failed)).read(resource())

    def test_reading_what_can_no_longer_be_parsed(self, stub: Start) -> None:
        broken = item("n/a")
        broken["metadata"] = {"uid": "uid-n/a"}
        server = stub(served("tickets"), page(broken))
        unparsed = source(server).read(resource())
        assert isinstance(unparsed, Unparsed)
        assert (unparsed.position, unparsed.uid) == ("n/a (uid uid-n/a)", "uid-n/a")
        assert json.loads(unparsed.raw) == broken
        assert server.requests[-1].query["fieldSelector"] == "metadata.name=a"


class TestSurroundings:
    def test_owners_of_strange_shape_are_still_there(self, stub: Start) -> None:
        kept: list[Any] = [
            {"metadata": {"uid": "1"}, "status": 7},
            {"metadata": {"uid": "2"}, "status": {"retentionExpiryTime": "tomorrow"}},
            {"metadata": {"uid": "3"}, "status": {"retentionExpiryTime": 7}},
            {"metadata": {"uid": "4"}, "status": {"retentionExpiryTime": None}},
            {"metadata": {"uid": "5"}, "status": {"retentionExpiryTime": "0001-01-01T00:00:00Z"}},
        ]
        server = stub(page(), served("tickets"), page(*kept))
        surroundings = source(server).surroundings(owners(("g/v1", "Ticket")))
        assert surroundings.owners == dict.fromkeys("12345")

    def test_an_owner_that_is_being_deleted_is_as_good_as_gone(self, stub: Start) -> None:
        staying, going = ({"metadata": {"uid": uid}} for uid in ("staying", "going"))
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        server = stub(page(), served("tickets"), page(staying, going))
        surroundings = source(server).surroundings(owners(("g/v1", "Ticket")))
        assert surroundings.owners == {"staying": None}
        assert ("g/v1", "Ticket") in surroundings.owner_kinds

    @pytest.mark.parametrize(
        ("created", "cause"),
        [
            ("2024-01-31T00:00:07Z", Cause.OWNER_GONE),
            # Date and creationTimestamp lack their fractions: this one and its owner may have
            # been created after the owners were listed, and before that was answered.
            ("2024-01-31T00:00:08Z", Cause.BACKFILL),
            ("2024-01-31T00:00:09Z", Cause.BACKFILL),
        ],
    )
    def test_an_owner_may_be_as_young_as_the_list_that_lacks_it(
        self, stub: Start, created: str, cause: Cause
    ) -> None:
        listed = page() | {"Date": "Wed, 31 Jan 2024 00:00:09 GMT"}
        observed = source(stub(page(), served("tickets"), listed))
        owner = {"apiVersion": "g/v1", "kind": "Ticket", "name": "o", "uid": "o"}
        child = resource({"phase": "completed"}, ownerReferences=[owner], creationTimestamp=created)
        everything = Terms(Policy(everything=True), parse_time(created), "run", "store")
        decision = plan(child, everything, observed.surroundings(Page([child])))
        assert isinstance(decision, Archive)
        assert decision.cause is cause

    @pytest.mark.parametrize(
        ("replies", "reason"),
        [
            ([page({"metadata": {}})], "uid of one of its objects"),
            ([page(item("n/a")) | {"Date": ""}], "no Date header"),
            ([status(403, "no right")], "no right"),
            ([status(503, "busy")], "busy"),
            ([page(item("n/a"), token="1"), status(403, "taken away")], "taken away"),
        ],
    )
    def test_half_a_list_of_owners_says_nothing(
        self, stub: Start, replies: list[Reply], reason: str
    ) -> None:
        observed = source(stub(page(), served("tickets"), *replies))
        surroundings = observed.surroundings(owners(("g/v1", "Ticket")))
        assert (surroundings.owners, surroundings.owner_kinds) == ({}, {})
        assert reason in observed.unknown["g/v1/Ticket"]

    @pytest.mark.parametrize(
        "odd", [b"null", b"7", b'{"metadata":{}}', b'{"metadata":{"name":7}}', b"[" * 5_000]
    )
    def test_namespaces_of_strange_shape_are_unknown(self, stub: Start, odd: bytes) -> None:
        items = b'{"metadata":{"name":"n","deletionTimestamp":"2026-01-01T00:00:00Z"}},' + odd
        closing = b"]" * odd.count(b"[")
        listed = Reply(200, b'{"kind":"XList","items":[%s%s]}' % (items, closing))
        observed = source(stub(listed))
        assert observed.surroundings(Page([])).terminating_namespaces == frozenset()
        assert "an item that is none" in observed.unknown["namespaces"]

    def test_each_kind_is_listed_once(self, stub: Start) -> None:
        server = stub(page(), served("tickets"), page(item("n/a")))
        observed = source(server)
        for _ in range(3):
            surroundings = observed.surroundings(owners(("g/v1", "Ticket")))
        assert surroundings.owners == {"uid-n/a": None}
        assert len(server.requests) == 3

    def test_kinds_beyond_reason_are_not_listed(self, stub: Start) -> None:
        server = stub(page(), Reply(404, b"404 page not found"))
        observed = source(server)
        observed.surroundings(owners(*(("v1", f"Kind{number}") for number in range(20))))
        assert len(observed.unknown) == 20
        assert len(server.requests) == 17
        assert observed.unknown["v1/Kind19"] == "over 16 kinds of owners"

    def test_an_api_that_is_away_is_waited_for_once_and_no_more_than_two_of_them(
        self, stub: Start
    ) -> None:
        server = stub(page(), status(503))
        observed = source(server)
        dead = [(f"dead{number}/v1", f"Kind{kind}") for number in range(3) for kind in range(3)]
        observed.surroundings(owners(*dead))
        asked = {request.path for request in server.requests[1:]}
        assert asked == {"/apis/dead0/v1", "/apis/dead1/v1"}
        assert len(observed.unknown) == 9
        assert "dead0/v1, dead1/v1 did not answer" in observed.unknown["dead2/v1/Kind2"]


class TestMarker:
    def test_what_is_sent(self, stub: Start) -> None:
        server = stub(MARKED)
        marks = KubeMarker(server.client(), TICKETS, dry_run=True)
        assert marks.mark(resource(), MARK).result() is MarkOutcome.MARKED
        [request] = server.requests
        assert request.path == "/apis/g/v1/namespaces/n/tickets/a"
        assert request.query == {"fieldManager": "kubernaut-archiver", "dryRun": "All"}
        assert request.headers["Content-Type"] == "application/merge-patch+json"
        assert "as=PartialObjectMetadata;" in request.headers["Accept"]
        sent = json.loads(request.body)["metadata"]
        assert (sent["uid"], sent["resourceVersion"]) == ("uid-n/a", "7")

    def test_a_mark_that_is_taken_away_again(self, stub: Start) -> None:
        marks = KubeMarker(stub(Reply(200, {"metadata": {}})).client(), TICKETS)
        with pytest.raises(MarkRefused, match="without it"):
            marks.mark(resource(), MARK).result()

    @pytest.mark.parametrize("key", ["labels", "annotations"])
    def test_a_mark_of_which_half_is_taken_away_again(self, stub: Start, key: str) -> None:
        half = {k: v for k, v in MARKED.body["metadata"].items() if k != key}
        marks = KubeMarker(stub(Reply(200, {"metadata": half})).client(), TICKETS)
        with pytest.raises(MarkRefused, match="without it"):
            marks.mark(resource(), MARK).result()

    @pytest.mark.parametrize(
        ("dry_run", "outcome"), [(False, MarkOutcome.CONFLICT), (True, MarkOutcome.MARKED)]
    )
    def test_a_mark_that_changes_more_than_the_mark(
        self, stub: Start, dry_run: bool, outcome: MarkOutcome
    ) -> None:
        answer = Reply(200, {"metadata": {**MARKED.body["metadata"], "generation": 3}})
        marks = KubeMarker(stub(answer).client(), TICKETS, dry_run=dry_run)
        assert marks.mark(resource(generation=2), MARK).result() is outcome

    def test_an_answer_that_cannot_be_read_leaves_it_to_the_next_reading(self, stub: Start) -> None:
        marks = KubeMarker(stub(Reply(200, MARKED.data[:60])).client(), TICKETS)
        assert marks.mark(resource(), MARK).result() is MarkOutcome.CONFLICT

    def test_a_patch_whose_answer_was_lost_is_a_conflict_then(self, stub: Start) -> None:
        server = stub(None, status(409))
        assert (
            KubeMarker(server.client(), TICKETS).mark(resource(), MARK).result()
            is MarkOutcome.CONFLICT
        )
        assert len(server.requests) == 2

    def test_a_refusal_names_the_object(self, stub: Start) -> None:
        marks = KubeMarker(stub(status(422, "spec.a is required")).client(), TICKETS)
        with pytest.raises(MarkRefused, match=r"mark of n/a \(uid uid-n/a\): spec.a is required"):
            marks.mark(resource(), MARK).result()

    def test_no_more_than_so_many_a_second(self, stub: Start, virtual_time: VirtualTime) -> None:
        server = stub(MARKED)
        marks = KubeMarker(server.client(), TICKETS, most_per_second=10)
        for _ in range(11):
            marks.mark(resource(), MARK).result()
        assert virtual_time.slept == pytest.approx(1.0)


class TestRights:
    def test_an_account_that_may_not_even_ask(self, stub: Start) -> None:
        client = stub(status(403, "cannot create selfsubjectaccessreviews")).client()
        sentences = missing_rights(client, group="g", plural="tickets", marks=False)
        assert len(sentences) == 2
        # Where a setting names the cluster, nobody asks for its namespace.
        known = missing_rights(client, group="g", plural="tickets", marks=False, cluster_known=True)
        assert known == sentences[:1]
        assert all(sentence.startswith("may not ask whether") for sentence in sentences)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (status(500), Unavailable),
            (status(401), Configuration),
            (Reply(201), Unavailable),
            (Reply(200, b"<html>a proxy's page \xff</html>"), Unavailable),
            (Reply(200, b"[" * 50_000), Unavailable),
        ],
    )
    def test_no_answer(self, stub: Start, answer: Reply, error: type[Exception]) -> None:
        with pytest.raises(error, match="review of this"):
            missing_rights(stub(answer).client(), group="g", plural="tickets")

    def test_what_is_asked(self, stub: Start) -> None:
        server = stub(Reply(201, {"status": {"allowed": True}}))
        assert missing_rights(server.client(), group="g", plural="t", namespace="n") == []
        asked = [json.loads(r.body)["spec"]["resourceAttributes"] for r in server.requests]
        assert [(a["verb"], a["resource"], a["namespace"], a["name"]) for a in asked] == [
            ("list", "t", "n", ""),
            ("patch", "t", "n", ""),
            ("get", "namespaces", "", "kube-system"),
        ]

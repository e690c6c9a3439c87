"""What answers mean."""

import json
from typing import Any

import pytest

from archiver.errors import (
    ArchiverError,
    Configuration,
    Forbidden,
    MarkRefused,
    Unavailable,
    Unwritable,
)
from archiver.kube.answer import Answer
from archiver.kube.failures import failure, is_permanent, outcome_of_mark, require_success
from archiver.kube.request import Request
from archiver.ports import MarkOutcome

NAME: Any = {"details": {"name": "x"}}
UID: Any = {"details": {"name": "x", "causes": [{"field": "metadata.uid", "reason": "Invalid"}]}}
SPEC: Any = {"details": {"name": "x", "causes": [{"field": "spec.a", "reason": "Invalid"}]}}
RBAC = 'x is forbidden: User "system:serviceaccount:a:b" cannot patch resource "x" in API group "g"'
POLICY = "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"
DENIED = 'admission webhook "w.example.org" denied the request: no'
TOO_LARGE = "etcdserver: request is too large"
TOO_LARGE_FOR_GRPC = (
    "rpc error: code = ResourceExhausted desc = trying to send message larger than max (3 vs. 2)"
)


def said(code: int, message: str = "no", **fields: object) -> Answer:
    body = {"kind": "Status", "message": message, "code": code, **fields}
    return Answer(code, json.dumps(body).encode())


def plain(code: int, text: str) -> Answer:
    return Answer(code, text.encode())


MARKS = [
    (said(404, **NAME), MarkOutcome.GONE),
    (said(404), Configuration),
    (plain(404, "404 page not found\n"), Configuration),
    (said(409, **NAME), MarkOutcome.CONFLICT),
    (said(422, **UID), MarkOutcome.CONFLICT),
    (said(422, "Precondition failed: UID mismatch"), MarkOutcome.CONFLICT),
    (said(422, "spec.a is required", **SPEC), MarkRefused),
    (said(422, details=None), MarkRefused),
    (said(403, RBAC), Forbidden),
    (said(403, POLICY), MarkRefused),
    (plain(403, "<html>proxy</html>"), Forbidden),
    (said(400, "bad"), MarkRefused),
    (plain(400, "Client sent an HTTP request to an HTTPS server."), Configuration),
    (said(401, "Unauthorized"), Configuration),
    (said(405), Configuration),
    (said(413, "Request entity too large"), MarkRefused),
    (said(415), Configuration),
    (said(500, TOO_LARGE), MarkRefused),
    (said(500, TOO_LARGE_FOR_GRPC), MarkRefused),
    (said(500, 'Internal error occurred: failed calling webhook "w": no'), MarkRefused),
    (said(500, "etcdserver: leader changed"), Unavailable),
    (said(500, "etcdserver: mvcc: database space exceeded"), Unavailable),
    (said(500, "rpc error: code = Unknown desc = malformed header"), Unavailable),
    (said(500, "remove operation does not apply: doc is missing path"), Unwritable),
    (said(429), Unavailable),
    (plain(502, "<html>bad gateway</html>"), Unavailable),
    (said(503), Unavailable),
    (said(504), Unavailable),
]


@pytest.mark.parametrize("text", [POLICY, DENIED])
@pytest.mark.parametrize(
    "code", [400, 401, 403, 404, 405, 408, 409, 410, 413, 418, 422, 429, 500, 502, 503, 504, 599]
)
def test_what_admission_denies_is_one_object_whatever_the_code(code: int, text: str) -> None:
    answer = said(code, text)
    with pytest.raises(MarkRefused):
        outcome_of_mark(answer, "mark of x")
    assert is_permanent(answer)
    assert not Request("PATCH", "/x", ()).is_worth_repeating(answer)


@pytest.mark.parametrize(("answer", "expected"), MARKS)
def test_what_becomes_of_a_mark(
    answer: Answer, expected: MarkOutcome | type[ArchiverError]
) -> None:
    if isinstance(expected, MarkOutcome):
        assert outcome_of_mark(answer, "mark of x") is expected
        return
    with pytest.raises(expected, match=r"^mark of x: ") as raised:
        outcome_of_mark(answer, "mark of x")
    assert raised.type is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(400, "unable to parse requirement"), Configuration),
        (said(401), Configuration),
        (said(403, RBAC), Forbidden),
        (plain(404, "404 page not found"), Configuration),
        (said(408), Unavailable),
        (said(410), Unavailable),
        (said(429), Unavailable),
        (said(500), Unavailable),
        (plain(302, ""), Configuration),
    ],
)
def test_what_another_failure_is(answer: Answer, expected: type[ArchiverError]) -> None:
    assert type(failure(answer, "list")) is expected
    with pytest.raises(expected):
        require_success(answer, "list")


def test_a_missing_right_comes_with_the_rule_that_grants_it() -> None:
    rule = "; grant {apiGroups: ['g'], resources: [x], verbs: [patch]}"
    assert str(failure(said(403, RBAC), "list of x")).endswith(rule)
    with pytest.raises(Forbidden) as raised:
        outcome_of_mark(said(403, RBAC), "mark of x")
    assert str(raised.value).endswith(rule)
    one = RBAC.replace("cannot patch", "cannot get")
    named = "; grant {apiGroups: ['g'], resources: [x], verbs: [get], resourceNames: [x]}"
    assert str(failure(said(403, one, **NAME), "get of x")).endswith(named)
    assert "grant" not in str(failure(plain(403, "<html>proxy</html>"), "list of x"))


def test_success_is_itself() -> None:
    answer = Answer(200, b"")
    assert require_success(answer, "list") is answer


def test_what_a_person_reads() -> None:
    hint = "it is not served; its CustomResourceDefinition is missing or being deleted"
    assert str(failure(plain(404, "404 page not found\n"), "list of x")) == (
        f"list of x: 404 page not found (HTTP 404): {hint}"
    )
    assert "loaded anew" in str(failure(said(401, "Unauthorized"), "list"))


@pytest.mark.parametrize("text", [TOO_LARGE, TOO_LARGE_FOR_GRPC])
def test_a_500_about_size_is_permanent_and_no_other_is(text: str) -> None:
    assert is_permanent(said(500, text))
    assert not is_permanent(said(500, "leader changed"))
    assert not is_permanent(said(503, text))


def test_texts_are_cut_and_harmless() -> None:
    status = said(422, "a\x00b\x1b[31m\r\nc" + "d" * 5000).read_status()
    assert status.message.startswith("a b [31m cdd")
    assert len(status.message) == 601
    assert plain(500, "").read_status().message == "no explanation"
    assert plain(500, "\xff" * 9000).read_status().message.endswith("…")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"kind": 1}', b'{"kind":"Status","details":7}', b"\xff", b"[" * 9999],
)
def test_bodies_that_are_no_status(body: bytes) -> None:
    answer = Answer(500, body)
    assert not answer.read_status().is_one
    assert not answer.ok
    assert "(HTTP 500)" in str(answer)

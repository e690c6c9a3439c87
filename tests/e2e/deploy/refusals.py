"""Which policy refused, and that it meant to."""

from http import HTTPStatus

from tests.e2e.deploy.kube_api import Answer

GUARD = "guard.archiver.kubernaut.io"
MARK = "mark.archiver.kubernaut.io"
LIMIT = "limit.archiver.kubernaut.io"

# What the messages of each say; the refusal by an expression that failed says none of it.
_SAYS = {GUARD: "not archived yet", MARK: "only the archiver", LIMIT: "the archiver "}


def refused_by(answer: Answer, policy: str) -> bool:
    """Whether this policy refused; any other refusal is a fault of the test or of an expression."""
    if answer.ok:
        return False
    assert answer.status == HTTPStatus.FORBIDDEN, answer.message
    assert answer.body["reason"] == "Forbidden"
    assert f"ValidatingAdmissionPolicy '{policy}'" in answer.message
    assert _SAYS[policy] in answer.message, "an expression failed"
    return True


def held(answer: Answer) -> bool:
    """Whether the guard refused to delete."""
    return refused_by(answer, GUARD)

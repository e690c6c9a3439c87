"""Whether the guard is in force, as the API server shows it."""

from collections.abc import Callable
from typing import Any

import pytest

from archiver.kube.guard import NAME, Gate, gate
from tests.unit.kube.stub import Reply, Stub, status

Start = Callable[..., Stub]


def binding(**spec: Any) -> Reply:
    return Reply(200, {"spec": {"policyName": NAME, "validationActions": ["Deny"]} | spec})


POLICY = Reply(200, {"spec": {}})
ABSENT = status(404, "not found")


@pytest.mark.parametrize(
    ("replies", "found"),
    [
        ([POLICY, binding()], Gate.GUARD),
        ([POLICY, binding(validationActions=["Deny", "Audit"])], Gate.GUARD),
        ([POLICY, binding(validationActions=["Warn", "Audit"])], Gate.NONE),
        ([POLICY, binding(policyName="another")], Gate.NONE),
        ([POLICY, ABSENT], Gate.NONE),
        ([ABSENT, binding()], Gate.NONE),
        ([status(403, "no right"), status(403, "no right")], Gate.UNKNOWN),
        ([POLICY, Reply(200, {"spec": 7})], Gate.UNKNOWN),
        ([Reply(200, b"no JSON"), status(403, "no right")], Gate.UNKNOWN),
    ],
)
def test_the_gate(stub: Start, replies: list[Reply], found: Gate) -> None:
    assert gate(stub(*replies).client()) is found

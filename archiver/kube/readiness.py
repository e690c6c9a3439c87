"""Whether a missing right is one: for a moment after its start, an API server refuses everybody.

RBAC is answered from caches that are empty at first, and requests are let in before they are full.
Only then does /readyz answer 200. By the default roles everybody may ask for it who is
authenticated, once these roles are known, too.
"""

import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from archiver.errors import Unavailable
from archiver.kube.answer import Answer
from archiver.kube.failures import failure
from archiver.kube.lane import Call, Lane
from archiver.kube.request import Request
from archiver.kube.window import Window

# What every authorizer's refusal begins with; admission has other words for the same code.
_REFUSED: Final = re.compile(r'User "[^"]*" cannot ')
# Where /readyz itself is refused, for good in some clusters, a refusal counts after so long; the
# caches take a second or two, on a machine that is busy some more. Seconds.
_LONGEST: Final = 10.0

_QUESTION: Final = Request("GET", "/readyz", ())


class Readiness:
    """What is known of one API server. For one thread."""

    def __init__(self, connections: int) -> None:
        """At most so many questions are under way at once."""
        self.lane = Lane(Window(connections))
        self._refused_since: float | None = None

    def lost(self, call: Call[Any]) -> None:
        """The connection of a call was lost: the server may be about to start anew."""
        call.believed = call.lane is self.lane
        self._refused_since = None

    def is_in_doubt(self, answer: Answer) -> bool:
        """Whether this answer would mean something else a moment later."""
        return answer.status == 403 and bool(_REFUSED.search(answer.read_status().message))

    def ask(self, call: Call[Any], refusal: Answer, then: Callable[[], None]) -> None:
        """Whether to believe what the call was answered, and `then` go on with it.

        Where the server goes on being not ready, the call fails with Unavailable.
        """

        def told(answered: "Future[bool]") -> None:
            if (error := answered.exception()) is not None:
                call.lane.fail(call, _both(error, refusal))
            else:
                call.believed = answered.result()
                then()

        # To itself the rule would be none.
        question: Call[Any] = Call(_QUESTION, self.lane, self._is_told_by, believed=True)
        question.future.add_done_callback(told)
        self.lane.add(question)

    def _is_told_by(self, answer: Answer) -> bool:
        if answer.status >= 500 or answer.status == 429:
            raise failure(answer, "the API server is not ready")
        if answer.status not in (401, 403):
            self._refused_since = None
            return True
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        return now - self._refused_since > _LONGEST


def _both(error: BaseException, refusal: Answer) -> BaseException:
    """Where a server never becomes ready, the right may be missing all the same."""
    if isinstance(error, Unavailable):
        return Unavailable(f"{error}; before, it refused: {refusal}")
    return error

"""Whether a missing right is one: for a moment after its start, an API server refuses everybody.

RBAC is answered from caches that are empty at first, and requests are let in before they are full.
Only then does /readyz answer 200, which everybody who is authenticated may ask for
(system:public-info-viewer), once that right is known, too.
"""

import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

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

    def lost(self) -> None:
        """A connection was lost: the server may be about to start anew."""
        self._refused_since = None

    def is_in_doubt(self, answer: Answer) -> bool:
        """Whether this answer would mean something else a moment later."""
        return answer.status == 403 and bool(_REFUSED.search(answer.read_status().message))

    def ask(self, call: Call[Any], then: Callable[[], None]) -> None:
        """Whether to believe what the call was answered, and `then` go on with it.

        Where the server goes on being not ready, the call fails with Unavailable.
        """

        def told(answered: "Future[bool]") -> None:
            if (error := answered.exception()) is not None:
                call.lane.fail(call, error)
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
            return True
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        return now - self._refused_since > _LONGEST

"""A run that outlives its token.

The API server gives no token for less than ten minutes and the kubelet replaces it after eight, so
that there is no quick way to see it: this one takes twelve.
"""

import pytest

from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import Change, Installed
from tests.e2e.node.settled import assert_settled
from tests.e2e.run.objects import Collection

SHORTEST = 600  # seconds; what the API server allows
LONGER = 700  # marks, one a second


@pytest.mark.long
def test_a_run_survives_the_rotation_of_its_token(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(LONGER), context_bytes=0)
    installed.start(
        "outlives", Change({"ARCHIVER_MAX_MARKS_PER_SECOND": "1"}, token_lifetime=SHORTEST)
    )
    assert installed.ended("outlives", 2 * SHORTEST) == "Complete"
    assert exit_codes(installed.pods.of_job("outlives")) == [0]
    assert installed.report("outlives")["seconds"] > SHORTEST
    assert_settled(url, processings, due)

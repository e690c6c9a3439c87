"""What the API server's priority levels have under way (API Priority and Fairness)."""

from collections.abc import Mapping
from csv import DictReader

from tests.e2e.deploy.kube_api import KubeApi

# The debug endpoint, for who may read everything. /metrics says the same, is a hundred times as
# long, and costs as much CPU as a dozen patches.
_PATH = "/debug/api_priority_and_fairness/dump_priority_levels"


def priority_level(api: KubeApi, name: str) -> Mapping[str, str]:
    """Columns of the dump, such as ExecutingRequests, WaitingRequests, DispatchedRequests.

    Raises KeyError for a level that is not there.
    """
    lines = str(api.send("GET", _PATH).body).splitlines()
    levels = {one["PriorityLevelName"]: one for one in DictReader(lines, skipinitialspace=True)}
    return levels[name]

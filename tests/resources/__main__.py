"""`python -m tests.resources N`: N completed resources as a List, for a person with a cluster.

A POST ignores their status, which is a subresource: `kubectl create -f`, and then
`kubectl replace --subresource=status -f`.
"""

import argparse
import json
import sys
from datetime import UTC, datetime

from tests.resources import remediation_processing


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m tests.resources", description=__doc__)
    parser.add_argument("count", type=int, metavar="N")
    parser.add_argument(
        "--first", type=int, default=0, metavar="SEED", help="others than those of 0 to N-1"
    )
    given = parser.parse_args()
    now = datetime.now(UTC)
    seeds = range(given.first, given.first + given.count)
    items = [remediation_processing(now=now, seed=seed, namespace="default") for seed in seeds]
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout)


if __name__ == "__main__":
    main()

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
    count = parser.parse_args().count
    now = datetime.now(UTC)
    items = [remediation_processing(now=now, seed=n, namespace="default") for n in range(count)]
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout)


if __name__ == "__main__":
    main()

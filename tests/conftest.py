"""For all tests."""

import os

# `make test` measures the processes that pytest-xdist starts (coverage looks at this variable when
# Python starts), and not the programs that tests start: they would only become slower.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_START", None)

"""For all tests."""

import os
import signal

from hypothesis import settings

# A busy machine is no fault of the code under test. Before any test module is read: that is when
# a test takes its settings.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Servers of the tests are on this machine, whatever proxy is the way to the outside.
for name in ("NO_PROXY", "no_proxy"):
    given = [os.environ[name]] if os.environ.get(name) else []
    os.environ[name] = ",".join([*given, "127.0.0.1", "localhost"])

# `make test` measures the processes that pytest-xdist starts (coverage looks at this variable when
# Python starts), and not the programs that tests start: they would only become slower.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_START", None)

# What a shell starts in the background ignores SIGINT, and so would the programs that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

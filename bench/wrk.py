"""wrk, a load tool in C: what the API server can do when the client costs next to nothing.

From PATH, else Debian's package unpacked into the cache and run from there.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from image.errors import ImageError
from image.packages import unpacked

_PACKAGES = ("wrk", "libluajit-5.1-2", "libluajit-5.1-common")

# In the place of a run's id. Each request has a number of its own: a patch that says what an object
# says already is answered without a write, and would be no floor.
RUN: Final = "run-00000000"
# One request after another of a file with a path and a body on each line; each thread has its own
# share, so that no two of them patch the same object at once.
_SCRIPT = """
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  requests, at, run = {}, 0, os.time() % 10000000
  local n = 0
  for line in io.lines(args[1]) do
    if n % tonumber(args[2]) == number then
      local path, body = line:match("^(%S+) (.*)$")
      requests[#requests + 1] = wrk.format("PATCH", path, {
        ["Content-Type"] = "application/merge-patch+json",
        ["Accept"] = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        ["Authorization"] = "Bearer " .. args[3] }, body)
    end
    n = n + 1
  end
end
function request()
  at, run = at % #requests + 1, run + 1
  return (requests[at]:gsub("run%-00000000", string.format("run-%08d", run), 1))
end
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """What wrk saw."""

    count: int
    per_second: float
    failed: int


def find_wrk(cache: Path) -> tuple[str, dict[str, str]]:
    """The program, and the environment it needs. Raises SystemExit where apt has none either."""
    if found := shutil.which("wrk"):
        return found, dict(os.environ)
    try:
        root = unpacked(_PACKAGES, cache / "debian", cache / "wrk")
    except ImageError as error:
        sys.exit(f"make bench needs wrk, in PATH or from apt: {error}")
    libraries = ":".join(str(folder) for folder in (root / "usr/lib").glob("*-linux-gnu"))
    return str(root / "usr/bin/wrk"), {**os.environ, "LD_LIBRARY_PATH": libraries}


def patch_rate(server: str, token: str, requests: Path, **options: Any) -> Rate:
    """Patch what the file names, again and again; `connections`, `seconds`, `cache` as options."""
    program, environment = find_wrk(options["cache"])
    script = requests.with_suffix(".lua")
    script.write_text(_SCRIPT)
    threads = min(2, options["connections"])
    command: Sequence[str] = [
        program, f"-t{threads}", f"-c{options['connections']}", f"-d{options['seconds']}s",
        "--timeout", "30s", "-s", str(script), server, "--", str(requests), str(threads), token,
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    assert rate and count, done.stdout + done.stderr  # noqa: PT018 - said together where it fails
    return Rate(int(count[1]), float(rate[1]), int(failed[1]) if failed else 0)

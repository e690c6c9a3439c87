"""Run inside of a node: starts a pod, takes shared memory as PostgreSQL does, says where, and ends
or waits to be ended. Its last word, if it is interrupted, is a file beside FILE.

python -m tests.e2e.machine.busy FILE {ends,waits}
"""

import ctypes
import os
import sys
import time
from pathlib import Path

from tests.controlplane.versions import current_version
from tests.e2e.machine.traces import SHARED_MEMORY, key_of
from tests.node.kubectl import Kubectl, build_kubectl
from tests.node.pause import IMAGE

IPC_CREAT = 0o1000  # linux/ipc.h


def take_shared_memory(name: str) -> None:
    """A segment and a file that bear the name, and that nobody removes."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmget(key_of(name), 4096, IPC_CREAT | 0o600) < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    (SHARED_MEMORY / name).touch()


if __name__ == "__main__":
    kubeconfig = Path(os.environ["ARCHIVER_TEST_KUBECONFIG"])
    cache = Path(os.environ["TMPDIR"]) / "kubectl"
    kubectl = Kubectl(build_kubectl(current_version().release), kubeconfig, cache)
    kubectl("run", "held", f"--image={IMAGE}", "--restart=Never")
    kubectl("wait", "--for=condition=Ready", "pod/held", "--timeout=60s")
    # The name of the folder, and of the cgroups, whole or not at all.
    name = Path(os.environ["TMPDIR"]).parent.name
    take_shared_memory(name)
    part = Path(sys.argv[1]).with_suffix(".part")
    part.write_text(name)
    part.rename(sys.argv[1])
    try:
        while sys.argv[2] == "waits":
            time.sleep(1)
    except KeyboardInterrupt:
        Path(sys.argv[1]).with_suffix(".interrupted").touch()

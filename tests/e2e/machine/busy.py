"""Run inside of a node: starts a pod, says where, and ends or waits to be ended.

python -m tests.e2e.machine.busy FILE {ends,waits}
"""

import os
import sys
import time
from pathlib import Path

from tests.controlplane.versions import current_version
from tests.node.kubectl import Kubectl, build_kubectl
from tests.node.pause import IMAGE

if __name__ == "__main__":
    kubeconfig = Path(os.environ["ARCHIVER_TEST_KUBECONFIG"])
    kubectl = Kubectl(build_kubectl(current_version().release), kubeconfig)
    kubectl("run", "held", f"--image={IMAGE}", "--restart=Never")
    kubectl("wait", "--for=condition=Ready", "pod/held", "--timeout=60s")
    # The name of the folder, and of the cgroups, whole or not at all.
    part = Path(sys.argv[1]).with_suffix(".part")
    part.write_text(Path(os.environ["TMPDIR"]).parent.name)
    part.rename(sys.argv[1])
    while sys.argv[2] == "waits":
        time.sleep(1)

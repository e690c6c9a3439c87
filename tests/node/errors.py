"""What can go wrong with a node."""

from tests.controlplane.errors import ControlPlaneError


class NodeError(ControlPlaneError):
    """The node cannot be had; the text says what it needs, or ends with a program's words."""

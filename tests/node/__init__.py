"""A real Kubernetes node beside the control plane, on a machine that it leaves as it was."""

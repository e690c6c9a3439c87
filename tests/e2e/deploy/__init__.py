"""The manifests of deploy/ on a real API server: what they allow, and what they refuse."""

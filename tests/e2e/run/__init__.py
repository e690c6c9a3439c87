"""The command line as a process, on a real control plane and a real PostgreSQL."""

"""Benchmarks: ratios measured in one run, on the real control plane and PostgreSQL of the tests."""

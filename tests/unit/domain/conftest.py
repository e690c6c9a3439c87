"""Hypothesis in this folder: a busy machine is no fault of the code under test."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

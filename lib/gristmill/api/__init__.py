"""Gristmill from Python: one call to run a job."""

"""Gristmill from Python: a job run by a call, here or on EMR."""

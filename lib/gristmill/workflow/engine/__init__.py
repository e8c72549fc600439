"""Driving executions: what is to be done is written down, then done, and what came of it told."""

"""Unusual costs: what a day is expected to cost, and the events where it did not."""

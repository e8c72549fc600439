"""Statements of a utility, from the readings of its meters and its tariffs."""

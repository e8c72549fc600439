"""Workflows on a ledger, of either database."""

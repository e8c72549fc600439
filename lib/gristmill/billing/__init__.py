"""Readers of what clouds bill."""

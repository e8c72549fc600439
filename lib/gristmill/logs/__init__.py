"""Readers of log formats, one module a format."""

"""Summaries of HTTP requests: what is counted, by what, and how it comes out."""

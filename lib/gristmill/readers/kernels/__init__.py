"""Kernels: lines to rows by polars, for those who have it. One module for each layout of lines."""

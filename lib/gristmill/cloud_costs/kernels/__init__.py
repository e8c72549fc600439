"""Charges by polars: one frame of cells in, and what `cur` and `focus` say of them out."""

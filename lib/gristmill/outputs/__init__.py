"""Outputs, opened: their datasets as Arrow, and asked by SQL, at one state."""

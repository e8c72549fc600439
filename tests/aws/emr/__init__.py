"""EMR without AWS."""

"""A job as a command, on a terminal and on a cluster."""

"""The project as a file that is installed elsewhere."""

"""State machines that were recorded on AWS: run here, and compared."""

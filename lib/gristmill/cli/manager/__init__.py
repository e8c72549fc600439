"""The commands of the job manager."""

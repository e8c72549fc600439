"""The only code that knows AWS: clusters, packaging, submitting."""

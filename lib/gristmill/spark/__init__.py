"""A SparkSession: how it is started, and the settings that results rest on."""

"""What a job is made of: values, without a Spark session."""

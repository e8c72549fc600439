"""From an exception or a log to what probably caused it, and what to do."""

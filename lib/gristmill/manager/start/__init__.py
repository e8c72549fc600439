"""What submits runs by itself: the time of day, files that arrive, messages in an inbox."""

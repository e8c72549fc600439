"""A state machine as it is written: read, with all that is wrong told at once."""

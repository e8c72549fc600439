"""What tasks are bound to here: each integration of Step Functions, done on this machine."""

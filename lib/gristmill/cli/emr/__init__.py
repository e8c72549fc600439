"""`gristmill emr COMMAND …`: jobs on EMR, from a laptop and back."""

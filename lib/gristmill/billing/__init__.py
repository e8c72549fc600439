"""Bills: what was used, at which rates, and what that comes to."""

"""Bills: what clouds charge, and what was used, at which rates, and what that comes to."""

"""From files as they are in the wild to typed rows and rejects."""

"""AWS on loopback, as far as Gristmill uses it: for tests, and to see EMR without an account."""

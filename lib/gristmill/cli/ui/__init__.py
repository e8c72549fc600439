"""`gristmill ui`: the ledger and outputs in a browser."""

"""The web page, asked without a browser."""

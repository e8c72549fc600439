"""State machines to look at, and to run: `make example NAME=donut-shop`."""

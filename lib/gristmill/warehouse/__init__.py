"""Published datasets as tables of a warehouse, which follow what is published."""

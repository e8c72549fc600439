"""Pages to look at: charts and tables of what was published."""

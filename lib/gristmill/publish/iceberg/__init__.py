"""Datasets as tables of Iceberg (https://iceberg.apache.org/spec/, version 2).

The log of an output root stays the truth. A table follows it: each entry that changes a dataset is
a snapshot of its table, which names the entry. So a table that is behind, because whoever
published died between the two, is brought up by whoever settles that run.
"""

"""Word count with Polars."""

import os
import sys

source, target, threads = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads

import polars as pl  # noqa: E402

_WORD = r"[\p{L}\p{M}\p{Nd}]+(?:['’][\p{L}\p{M}\p{Nd}]+)*"

lines = pl.scan_csv(
    f"{source}/*.txt",
    has_header=False,
    new_columns=["line"],
    separator="\x01",
    quote_char=None,
    schema={"line": pl.String},
)
words = lines.select(pl.col("line").str.to_lowercase().str.extract_all(_WORD).alias("word"))
counts = words.explode("word").drop_nulls().group_by("word").agg(pl.len().alias("count"))
counts.sort(["count", "word"], descending=[True, False]).sink_parquet(target, compression="zstd")

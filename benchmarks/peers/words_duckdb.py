"""Word count with DuckDB."""

import sys

import duckdb

_WORD = r"[\p{L}\p{M}\p{Nd}]+(?:['’][\p{L}\p{M}\p{Nd}]+)*"

source, target, threads = sys.argv[1:]
db = duckdb.connect(config={"threads": threads})
db.execute(
    f"""
    copy (
      select word, count(*) as count
      from (
        select unnest(regexp_extract_all(lower(line), $word${_WORD}$word$)) as word
        from read_csv('{source}/*.txt', columns = {{'line': 'varchar'}}, delim = '\x01', quote = '',
                      escape = '', header = false, auto_detect = false)
      )
      group by word order by count desc, word
    ) to '{target}' (format parquet, compression zstd)
    """
)

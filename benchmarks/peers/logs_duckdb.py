"""Access logs with DuckDB: a line is a value, one regular expression takes it apart."""

import sys

import duckdb

_LINE = (
    r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) '
    r'"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"'
)
_NAMES = ["client", "ident", "user", "time", "request", "status", "bytes", "referer", "user_agent"]

source, target, threads = sys.argv[1:]
db = duckdb.connect(config={"threads": threads})
db.execute("set TimeZone = 'UTC'")
db.execute(
    f"""
    copy (
      with lines as (
        select filename, regexp_extract(line, $line${_LINE}$line$, {_NAMES}) as f
        from read_csv('{source}/*.log', columns = {{'line': 'varchar'}}, delim = '\x01', quote = '',
                      escape = '', header = false, auto_detect = false, filename = true)
      ), typed as (
        select try_strptime(f.time, '%d/%b/%Y:%H:%M:%S %z') as timestamp,
          f.client, nullif(f.ident, '-') as ident, nullif(f.user, '-') as "user",
          string_split(f.request, ' ') as request,
          try_cast(f.status as integer) as status, try_cast(f.bytes as bigint) as bytes,
          nullif(f.referer, '-') as referer, nullif(f.user_agent, '-') as user_agent, filename
        from lines where f.client <> ''
      )
      select timestamp, client, ident, "user",
        case when request[3] is not null then request[1] end as method,
        split_part(request[2], '?', 1) as path,
        case when contains(request[2], '?') then split_part(request[2], '?', 2) end as query,
        request[3] as protocol, status, bytes, referer,
        replace(replace(user_agent, '\\"', '"'), '\\\\', '\\') as user_agent,
        filename as source_file, cast(timestamp as date) as date
      from typed where timestamp is not null
    ) to '{target}' (format parquet, partition_by (date), compression zstd)
    """
)

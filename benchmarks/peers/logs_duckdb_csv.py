"""Access logs with DuckDB's CSV reader: the fastest way, but a quote that is never closed takes the
lines behind it along."""

import sys

import duckdb

_NAMES = (
    "client",
    "ident",
    "user",
    "day",
    "zone",
    "request",
    "status",
    "bytes",
    "referer",
    "agent",
)

source, target, threads = sys.argv[1:]
columns = dict.fromkeys(_NAMES, "varchar")
db = duckdb.connect(config={"threads": threads})
db.execute("set TimeZone = 'UTC'")
db.execute(
    f"""
    copy (
      with typed as (
        select try_strptime(day || ' ' || zone, '[%d/%b/%Y:%H:%M:%S %z]') as timestamp,
          client, nullif(ident, '-') as ident, nullif("user", '-') as "user",
          string_split(request, ' ') as request,
          try_cast(status as integer) as status, try_cast(bytes as bigint) as bytes,
          nullif(referer, '-') as referer, nullif(agent, '-') as user_agent, filename
        from read_csv('{source}/*.log', columns = {columns}, delim = ' ', quote = '"',
                      escape = '\\', header = false, auto_detect = false, ignore_errors = true,
                      filename = true)
      )
      select timestamp, client, ident, "user",
        case when request[3] is not null then request[1] end as method,
        split_part(request[2], '?', 1) as path,
        case when contains(request[2], '?') then split_part(request[2], '?', 2) end as query,
        request[3] as protocol, status, bytes, referer, user_agent, filename as source_file,
        cast(timestamp as date) as date
      from typed where timestamp is not null and status is not null
    ) to '{target}' (format parquet, partition_by (date), compression zstd)
    """
)

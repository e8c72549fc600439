"""How fast does access-logs read each layout, beside the combined format of the same requests?

    PYTHONPATH=. python benchmarks/layouts.py [LINES]

The same LINES requests (default 200,000) are written in each layout, and loaded in one warm Spark,
each three times; the best but the first counts. Prints rows a second by Spark's expressions and by
kernels, where there are some, and the ratios to `combined` read the same way.
"""

import json
import os
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.engine.run import Run, execute
from gristmill.jobs.access_logs import JOB, AccessLogOptions
from gristmill.model.job import Request
from gristmill.spark.session import session

_LINE = (
    '{client} - - [{time}] "GET {path} HTTP/1.1" {status} {bytes} "https://example.com/{number}" '
    '"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0"'
)
IIS = (
    "#Fields: date time s-ip cs-method cs-uri-stem s-port c-ip cs(User-Agent) sc-status sc-bytes "
    "time-taken"
)


def requests(lines: int) -> list[dict[str, str | int]]:
    """Requests of one day."""
    return [
        {
            "number": number,
            "client": f"203.0.113.{number % 250}",
            "time": f"25/Nov/2026:10:{number % 60:02d}:{number // 60 % 60:02d} +0000",
            "path": f"/shop/items/{number % 5000}?page={number % 9}",
            "status": 200 if number % 50 else 404,
            "bytes": 500 + number % 90_000,
        }
        for number in range(lines)
    ]


def written(name: str, one: dict[str, str | int]) -> str:
    """A request in a layout."""
    combined = _LINE.format(**one)
    clock = re.sub(r"25/Nov/2026:([0-9:]+) \+0000", r"2026-11-25T\1Z", str(one["time"]))
    extra = "350 0.004 [shop-web-80] [] 10.1.2.3:8080 12 0.004 200 0123abcd"
    as_json = {
        "time_iso8601": clock,
        "remote_addr": one["client"],
        "request": f"GET {one['path']} HTTP/1.1",
        "status": one["status"],
        "body_bytes_sent": one["bytes"],
        "http_user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    }
    return {
        "combined": combined,
        "vhost_combined": f"www.example.com:443 {combined}",
        "apache-%D": f"{combined} 1234",
        "combined-iso": combined.replace(str(one["time"]), clock),
        "ingress-nginx": f"{combined} {extra}",
        "json": json.dumps(as_json),
        "iis": f"{clock[:10]} {clock[11:19]} 10.0.0.1 GET {str(one['path']).partition('?')[0]} 443 "
        f"{one['client']} Mozilla/5.0 {one['status']} {one['bytes']} 15",
    }[name]


def main() -> None:
    """Measure, and print a table in Markdown."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    names = (
        "combined",
        "vhost_combined",
        "apache-%D",
        "combined-iso",
        "ingress-nginx",
        "json",
        "iis",
    )
    made = requests(count)
    spark = session("layouts")
    found: dict[tuple[str, str], float] = {}
    with TemporaryDirectory() as folder:
        for name in names:
            file = Path(folder) / f"{name}.log"
            head = [IIS] if name == "iis" else []
            file.write_text("\n".join([*head, *(written(name, one) for one in made)]) + "\n")
            for kernels in ("0", "1"):
                os.environ["GRISTMILL_KERNELS"] = kernels
                times = []
                for turn in range(3):
                    out = str(Path(folder) / f"out-{name}-{kernels}-{turn}")
                    request = Request((str(file),), out, AccessLogOptions())
                    begun = time.perf_counter()
                    report = execute(spark, JOB, request, Run.new(), lambda _text: None)
                    times.append(time.perf_counter() - begun)
                    assert (report.rejected, report.datasets[0].rows) == (0, count), name
                found[name, kernels] = count / min(times[1:])
    print("| layout | rows/s by Spark alone | × combined | rows/s with kernels | × combined |")
    print("|---|---:|---:|---:|---:|")
    for name in names:
        rates = [(found[name, one], found[name, one] / found["combined", one]) for one in "01"]
        print(
            f"| {name} | "
            + " | ".join(f"{rate:,.0f} | {share:.2f}" for rate, share in rates)
            + " |"
        )


if __name__ == "__main__":
    main()

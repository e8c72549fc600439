"""`make screenshots`: the pictures of README and docs, of runs that are made for them.

Takes Chromium and the group `browser`. What is shown is what the commands did, in a folder of its
own: sample data, a ledger, two workers' runs.
"""

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent / "pictures"
COLUMNS = 96
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FIRST = (
    "access-logs --input sample/logs --output out",
    "traffic-summary --input out --output out",
    "word-count --input sample/text --output out",
    "billing-charges --input sample/billing/focus --output out",
    "billing-summary --input out --output out",
)
COUNT = "word-count --input sample/text --output counted --corpus"
PREPARE = (
    "gristmill sample sample --requests 40000 --billing 3000",
    f"gristmill run {' then '.join(FIRST)}",
    f"gristmill submit --key texts {COUNT} texts",
    f"gristmill submit --key twice --after texts {COUNT} twice",
    "gristmill submit --key logs access-logs --input sample/logs --output counted",
    "gristmill submit --key mistyped word-count --input sample/txet --output counted",
    "gristmill worker --burst",
    f"gristmill submit --key weekly {COUNT} weekly",
)
MOST = "SELECT status, count(*) AS requests FROM web_requests GROUP BY 1 ORDER BY 2 DESC LIMIT 4"
SHOWN = (
    "gristmill run access-logs --input sample/logs --output shown",
    "gristmill peek out/traffic_hourly -n 0",
    f'gristmill sql out "{MOST}"',
)


def main() -> int:
    """Make them; gives the exit code."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        sys.exit("no Chromium: apt install chromium, or CHROMIUM=/path/to/it")
    with tempfile.TemporaryDirectory(prefix="mill-") as name, sync_playwright() as playwright:
        folder = Path(name)
        environ = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GRISTMILL_LEDGER": f"sqlite:///{folder / 'ledger.db'}",
            "GRISTMILL_WARM": "0",
            "COLUMNS": str(COLUMNS),
        }
        for command in PREPARE:
            subprocess.run(command, shell=True, cwd=folder, env=environ, check=True)  # noqa: S602
        said = [(one, typed(one, folder, environ)) for one in SHOWN]
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        (folder / "terminal.html").write_text(terminal(said), encoding="utf-8")
        take(browser, (folder / "terminal.html").as_uri(), "terminal", whole="main")
        report = folder / "report.html"
        make = ["gristmill", "report", "out", "-o", str(report), "--title", "The mill in October"]
        subprocess.run(make, cwd=folder, env=environ, check=True)
        take(browser, report.as_uri(), "report")
        with page(folder, environ) as address:
            take(browser, f"{address}/runs/logs", "run")
        browser.close()
    return 0


def typed(command: str, folder: Path, environ: Mapping[str, str]) -> str:
    """What a command says on a terminal."""
    leader, follower = pty.openpty()
    said = b""
    with subprocess.Popen(  # noqa: S602
        command, shell=True, cwd=folder, env=environ, stdout=follower, stderr=follower
    ):
        os.close(follower)
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            said += part
    os.close(leader)
    lines = said.decode().replace("\r\n", "\n").split("\n")
    # A line that was written over shows what stood there last.
    kept = [line.rsplit("\r", 1)[-1].replace("\x1b[2K", "") for line in lines]
    kept = [line for line in kept if "━━" not in line]  # of progress, which is gone at the end
    return "\n".join(kept).strip("\n").replace(str(folder), "/home/ann/mill")


def terminal(said: Sequence[tuple[str, str]]) -> str:
    """Commands and what they said, as a page."""
    console = Console(record=True, width=COLUMNS, force_terminal=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    for command, text in said:
        console.print(Text(f"$ {command}", style="bold"), soft_wrap=True)
        console.print(Text.from_ansi(text), soft_wrap=True)
    shown = console.export_html(inline_styles=True, code_format="{code}")
    style = (
        "body { margin: 0; background: #fff; } main { display: inline-block; padding: 16px 20px; "
        "background: #1d2327; color: #e8e6e1; border-radius: 8px; } "
        "pre { margin: 0; font: 13px/1.35 'DejaVu Sans Mono', monospace; }"
    )
    title = escape("Gristmill in a terminal")
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{style}</style>"
        f"<main><pre>{shown}</pre></main>"
    )


def take(browser: Browser, address: str, name: str, whole: str | None = None) -> None:
    """Take a picture of a page, or of one element of it."""
    opened = browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme="light")
    opened.goto(address)
    target = str(HERE / f"{name}.png")
    if whole:
        opened.locator(whole).screenshot(path=target)
    else:
        opened.screenshot(path=target)
    opened.close()
    sys.stdout.write(f"{target}\n")


@contextmanager
def page(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """`gristmill ui` while the body goes on; gives its address."""
    command = ["gristmill", "ui", "out", "counted", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
    ) as served:
        yield str(served.stderr and served.stderr.readline()).split()[0]
        served.terminate()


if __name__ == "__main__":
    sys.exit(main())

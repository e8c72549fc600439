"""The page: all sections that an output has something for, in one file that needs no network."""

import html
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

from gristmill.outputs.asking import Questions, consistently
from gristmill.outputs.output import Output
from gristmill.pages.charts import NARROW, WIDE, drawn
from gristmill.pages.numbers import plain
from gristmill.pages.parts import Chart, Section
from gristmill.pages.report import bills as of_bills
from gristmill.pages.report import quality as of_quality
from gristmill.pages.report import traffic as of_traffic
from gristmill.pages.report import utility as of_utility
from gristmill.pages.report import words as of_words
from gristmill.pages.report.bills import bills
from gristmill.pages.report.datasets import datasets
from gristmill.pages.report.publishes import publishes
from gristmill.pages.report.quality import quality
from gristmill.pages.report.reads import readable
from gristmill.pages.report.traffic import traffic
from gristmill.pages.report.utility import utility
from gristmill.pages.report.words import words
from gristmill.pages.templating import templates
from gristmill.publish.manifest import Manifest

_READS = of_traffic.READS | of_bills.READS | of_words.READS | of_utility.READS | of_quality.READS


def sections(found: Output, log: Sequence[Manifest]) -> list[Section]:
    """All sections, of one state of an output. `log` is its history, oldest first."""

    names = readable(found, _READS)

    def asked(ask: Questions) -> list[Section]:
        some = [traffic(ask, names), *bills(ask, names), words(ask, names), utility(ask, names)]
        all_of_it = [*some, datasets(found, names), quality(ask, names, found, log), publishes(log)]
        return [one for one in all_of_it if one is not None]

    return consistently(found, asked)


def page(title: str, parts: Sequence[Section], now: datetime) -> str:
    """The page as HTML."""
    environment = templates("gristmill.pages")
    environment.filters["charted"] = _charted
    environment.filters["plain"] = plain
    return environment.get_template("report.html").render(
        title=title, sections=parts, made=f"{now:%Y-%m-%d %H:%M} UTC", version=version("gristmill")
    )


def _charted(chart: Chart) -> str:
    """A chart for wide and for narrow screens; the table beneath says the same in words."""
    label = html.escape(f"{plain(chart.title)}: chart; the same as a table follows", quote=True)
    drawings = [("wide", drawn(chart, WIDE)), ("narrow", drawn(chart, NARROW))]
    return "".join(
        f'<div class="{name}" role="img" aria-label="{label}">{_inert(svg)}</div>'
        for name, svg in drawings
    )


def _inert(svg: str) -> str:
    """A drawing whose parts are not read out one by one; its container has the label."""
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)

"""Words: how many, and those that come most, by corpus."""

from gristmill.outputs.asking import Questions
from gristmill.pages import numbers
from gristmill.pages.charts import ranked
from gristmill.pages.parts import Chart, Figure, Section, Sheet
from gristmill.pages.report.reads import Columns

READS = {"word_counts": Columns(text=("corpus", "word"), numbers=("count",))}
_TOP, _MOST_CORPORA = 25, 4


def words(ask: Questions, names: frozenset[str]) -> Section | None:
    """The section; None where no words were counted."""
    if "word_counts" not in names:
        return None
    corpora = ask.rows(
        """SELECT corpus, count(*) AS words, sum(count)::BIGINT AS total
        FROM word_counts GROUP BY 1 ORDER BY 3 DESC, 1"""
    )
    if not corpora:
        return None
    figures = [
        Figure("words", numbers.count(sum(row["total"] for row in corpora))),
        Figure("different words in a corpus", numbers.count(max(row["words"] for row in corpora))),
        Figure("corpora", numbers.count(len(corpora))),
    ]
    charts = [_most(ask, row["corpus"]) for row in corpora[:_MOST_CORPORA]]
    left = max(0, len(corpora) - _MOST_CORPORA)
    shown = [
        (row["corpus"], numbers.count(row["words"]), numbers.count(row["total"]))
        for row in corpora[:50]
    ]
    sheet = Sheet(
        ("corpus", "different words", "words"),
        shown,
        frozenset({1, 2}),
        max(0, len(corpora) - 50),
        "Corpora",
    )
    lead = f"{left:,} more corpora are in the table only." if left else ""
    return Section("words", "Words", lead, figures, charts, [sheet])


def _most(ask: Questions, corpus: str) -> Chart:
    quoted = "'" + corpus.replace("'", "''") + "'"
    rows = ask.rows(
        f"""SELECT word AS name, count AS value FROM word_counts WHERE corpus = {quoted}
        ORDER BY 2 DESC, 1 LIMIT {_TOP}"""
    )
    shown = [(row["name"], numbers.count(row["value"])) for row in rows]
    table = Sheet(("word", "times"), shown, frozenset({1}))
    return ranked(f"Most frequent in {corpus}", rows[:15], table, unit="times")

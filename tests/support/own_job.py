"""A job of one's own, as a user writes it, with a module beside it that Spark's workers import."""

from pathlib import Path

HELPER = '''"""How loud a word is."""


def loud(word: str) -> str:
    return word.upper() + "!"
'''
JOB = '''"""Words, loud."""

from pyspark.sql import functions as F

from gristmill import Dataset, Field, Job, Options
from gristmill.readers.text.lines import Lines
from loud_words import loud

LOUD = Dataset(
    name="loud_lines",
    help="Lines, loud.",
    fields=(Field("line", "string", "the line"), Field("kind", "string", "what it is")),
    partitioned_by=("kind",),
    write_mode="partition",
)


def shout(rows, _options):
    """Lines to rows of `LOUD`."""
    louder = F.udf(loud, "string")
    return {LOUD.name: rows.select(louder("line").alias("line"), F.lit("text").alias("kind"))}


JOB = Job(
    name="shout",
    help="Say it louder.",
    options=Options,
    reads=Lines(),
    writes=(LOUD,),
    transform=shout,
)
'''


def write_own_job(folder: Path) -> Path:
    """Write the job and its module into a folder; gives the file of the job."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loud_words.py").write_text(HELPER)
    (folder / "shout_job.py").write_text(JOB)
    return folder / "shout_job.py"

"""What `gristmill help TOPIC` says."""

from collections.abc import Mapping

from gristmill.errors import ExitCode

_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "wrong usage: nothing was started",
    ExitCode.REJECTS: "too many lines were rejected: nothing was published",
    ExitCode.BUSY: "another run writes the same datasets",
    ExitCode.STILL_RUNNING: "a run on EMR goes on beyond the deadline",
    ExitCode.INTERRUPTED: "interrupted, by Ctrl-C or SIGTERM",
}

_CODES = "\n".join(f"  {code.value:>3}  {text}" for code, text in _MEANINGS.items())

TOPICS: Mapping[str, str] = {
    "inputs": """What --input takes.

Files, folders at any depth, and patterns (data/2026-*.gz), plain or .gz, here or in S3
(s3://bucket/folder). Several may follow one --input. @FILE reads their names from a file, one on
each line. Names that start with '_' or '.' are passed over inside folders.
""",
    "outputs": """What --output holds, and how it changes.

A folder with one folder for each dataset, in partitions of Parquet. A run publishes at once or not
at all. It replaces what it was loaded from before: see `gristmill jobs show NAME`. What there is,
what happened, and whether it is whole is told by gristmill datasets list, history and verify.
""",
    "rejects": """What becomes of a line that is no row.

It is kept in the dataset rejects, with its file, its place, its text and the code of the reason.
gristmill rejects OUTPUT shows them; gristmill jobs show NAME says what each code means. With more
than --max-reject-rate of the lines (0 to 1) a run publishes nothing and ends with exit code 3.
""",
    "exit-codes": f"""What a command ends with.

{_CODES}
""",
    "defaults": """What flags are where they are not given.

In the pyproject.toml of a project:

  [tool.gristmill.defaults]
  output = "out"
  max-reject-rate = 0.01

There may be output, max-reject-rate, wait, log-format, cluster, account and prices. The environment
comes first: GRISTMILL_OUTPUT, GRISTMILL_MAX_REJECT_RATE, … A flag that is given comes before both.
""",
    "jobs": """Where jobs come from.

A name (gristmill jobs lists them), a file (my_job.py), or a module (mypackage.prices:JOB). Names
are known of the jobs of Gristmill, of installed packages, and of the modules that pyproject.toml
lists as jobs under [tool.gristmill]. gristmill new DIR makes a project.
""",
    "warm": """Why a second run starts in a moment.

At a terminal, the first run leaves a process behind that has a Spark running, and the next ones are
done there: the same output, the same exit codes, Ctrl-C as ever. It ends after 15 minutes in which
nothing is run, when memory is short, and when you log out. gristmill warm status shows it,
gristmill warm stop ends it. Another folder, other settings or another environment start another
Spark. GRISTMILL_WARM=0 turns it off, as --no-warm does for one run; in scripts GRISTMILL_WARM=1
turns it on. Elsewhere than on Linux it is off unless turned on.
""",
    "kernels": """Why some loads are much faster.

Where polars is installed, Spark's tasks have it parse logs of web servers, CloudFront, load
balancers, S3 and VPC flows, and cost exports in CSV, and count words. What comes out is the same.
GRISTMILL_KERNELS=0 turns it off. gristmill doctor says whether polars is there.
""",
    "manager": """Runs that are submitted, and looked after.

gristmill submit JOB … writes a run into a ledger, gristmill worker takes what waits and sees it
through, here or on EMR: it tries again what failed for a passing reason, and sets the rest aside
(gristmill dead-letter). gristmill why RUN says what a run waits for. Queues, places, schedules,
arrivals of files and notices are set in manager.toml: gristmill manager apply. The ledger is a
file, or a PostgreSQL that --ledger or GRISTMILL_LEDGER names.
""",
    "workflows": """State machines, as AWS Step Functions has them.

gristmill workflow run FILE --input JSON runs a definition in the Amazon States Language here, as it
would run there; gristmill workflow deploy FILE deploys it. Functions are Python functions that
pyproject.toml names under [tool.gristmill.functions]; what stands for queues, topics, tables and
buckets is under [tool.gristmill.local]. An execution is in the ledger of the job manager: it goes
on where it was after a crash, and gristmill workflow redrive goes on where it failed.
""",
    "s3": """Reading and writing S3.

Credentials, region and endpoint come from the usual AWS environment: AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL. What Spark needs is fetched on first use. gristmill doctor s3://BUCKET says
whether it can be reached.
""",
}

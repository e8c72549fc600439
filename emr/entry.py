"""What spark-submit starts on a cluster: `entry.py JOB [FLAG …] [then JOB …]`, with the exit codes
of `run`.

Submitting gives job and flags as one encoded word, which YARN leaves as it is.

It travels by itself, beside the package that it imports, so it says what is wrong with a cluster
whose Python is too old before it imports anything that such a Python cannot read.
"""

import sys

OLDEST = (3, 11)


def main(argv: "list[str]") -> int:
    """Run the job that `argv` names with the flags after it; gives the exit code."""
    if sys.version_info < OLDEST:
        sys.stderr.write(
            f"gristmill: this Python is {sys.version_info[0]}.{sys.version_info[1]} and the jobs "
            "need 3.11: set PYSPARK_PYTHON, of the driver and of the executors, to python3.11\n"
        )
        return 2
    from gristmill.catalogue import find_job, known_jobs  # noqa: PLC0415
    from gristmill.errors import UsageError  # noqa: PLC0415
    from gristmill.runs.chains import steps_of  # noqa: PLC0415
    from gristmill.runs.encoded import decode, is_encoded  # noqa: PLC0415
    from gristmill.script.command import run_command  # noqa: PLC0415
    from gristmill.script.console import Console  # noqa: PLC0415
    from gristmill.spark.session import held  # noqa: PLC0415

    if len(argv) == 1 and is_encoded(argv[0]):
        try:
            argv = decode(argv[0])
        except ValueError as error:
            Console().fail(f"the arguments did not arrive as they were sent: {error}")
            return 2
    try:
        if not argv:
            raise UsageError(f"which job? There are: {', '.join(known_jobs())}")
        steps = [(find_job(name).job, flags) for name, flags in steps_of(argv)]
    except UsageError as error:
        Console().fail(str(error))
        return error.exit_code
    code = 0
    # YARN ends what stops its Spark: that of the first job is also that of the last.
    with held(is_held=len(steps) > 1):
        for job, flags in steps:
            code = run_command(job, flags, Console, program=f"gristmill {job.name}")
            if code:
                break
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The probable cause of a failure, by logs as Spark, YARN and EMR write them."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.emr.cause import Cause, Kind, probable_cause

APP = "containers/application_1795300000000_0003"
DRIVER = f"{APP}/container_1795300000000_0003_01_000001"
DRIVER_AGAIN = f"{APP}/container_1795300000000_0003_02_000001"
WORKER = f"{APP}/container_1795300000000_0003_01_000004"
STEP = "steps/s-2AXXXXXXGAPLF"
NOW = "26/11/21 23:15:07"

START = f"""\
{NOW} INFO SignalUtils: Registering signal handler for TERM
{NOW} INFO ApplicationMaster: ApplicationAttemptId: appattempt_1795300000000_0003_000001
{NOW} WARN NativeCodeLoader: Unable to load native-hadoop library for your platform
{NOW} INFO YarnAllocator: Launching container on host ip-10-0-1-23.ec2.internal
===============================================================================
Default YARN executor launch context:
  env:
    SPARK_YARN_STAGING_DIR -> hdfs:///user/hadoop/.sparkStaging/application_1795300000000_0003
  command:
    {{JAVA_HOME}}/bin/java -server -Xmx4096m -XX:OnOutOfMemoryError='kill -9 %p' \\
      --conf spark.decommission.enabled=true --conf spark.executor.decommission.killInterval=60s
===============================================================================
"""

CONTROLLER = """\
2026-11-21T23:14:00.120Z INFO Ensure step 3 jar file command-runner.jar
2026-11-21T23:14:00.340Z INFO startExec 'hadoop jar command-runner.jar spark-submit --py-files \
s3://b/gristmill/packages/0123456789abcdef/gristmill-0.1.0.zip \
s3://b/gristmill/packages/0123456789abcdef/entry.py word-count'
2026-11-21T23:15:02.101Z INFO waitProcessCompletion ended with exit code 1
2026-11-21T23:15:02.107Z WARN Step failed with exitCode 1 and took 62 seconds
"""

CLIENT = f"""\
{NOW} INFO Client: Application report for application_1795300000000_0003 (state: FINISHED)
\t diagnostics: User application exited with status 1
Exception in thread "main" org.apache.spark.SparkException: Application \
application_1795300000000_0003 finished with failed status
\tat org.apache.spark.deploy.yarn.Client.run(Client.scala:1351)
\tat org.apache.spark.deploy.SparkSubmit.main(SparkSubmit.scala)
"""

EXITED = f"""\
{NOW} ERROR ApplicationMaster: User application exited with status 1
{NOW} INFO ApplicationMaster: Final app status: FAILED, exitCode: 13, \
(reason: User application exited with 1)
"""

PY4J_GONE = """\
Traceback (most recent call last):
  File "/mnt/yarn/x/pyspark.zip/py4j/clientserver.py", line 540, in send_command
    raise Py4JNetworkError("Answer from Java side is empty")
py4j.protocol.Py4JNetworkError: Answer from Java side is empty

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "entry.py", line 34, in <module>
    sys.exit(main(sys.argv[1:]))
  File "/mnt/yarn/x/gristmill-0.1.0.zip/gristmill/engine/run.py", line 60, in execute
py4j.protocol.Py4JError: An error occurred while calling o99.parquet
"""


def aborted(reason: str, more: str = "") -> str:
    """What Python says of a Spark job that failed."""
    return f"""\
Traceback (most recent call last):
  File "entry.py", line 34, in <module>
    sys.exit(main(sys.argv[1:]))
             ^^^^^^^^^^^^^^^^^^
  File "/mnt/yarn/x/gristmill-0.1.0.zip/gristmill/engine/parquet.py", line 41, in write
    writer.parquet(path)
  File "/mnt/yarn/x/pyspark.zip/pyspark/errors/exceptions/captured.py", line 282, in deco
    return f(*a, **kw)
  File "/mnt/yarn/x/py4j-0.10.9.9-src.zip/py4j/protocol.py", line 327, in get_return_value
py4j.protocol.Py4JJavaError: An error occurred while calling o101.parquet.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 2.0 failed \
4 times, most recent failure: Lost task 3.3 in stage 2.0 (TID 41) (ip-10-0-1-23.ec2.internal \
executor 7): {reason}
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2935)
\tat java.base/java.lang.Thread.run(Thread.java:840)
{more}
"""


LOST = (
    "ExecutorLostFailure (executor 7 exited unrelated to the running tasks) Reason: Container "
    "marked as failed: container_1795300000000_0003_01_000009 on host: ip-10-0-1-23.ec2.internal. "
    "Exit status: -100. Diagnostics: Container released on a *lost* node."
)
BEYOND = (
    "ExecutorLostFailure (executor 7 exited caused by one of the running tasks) Reason: Container "
    "killed by YARN for exceeding physical memory limits. 5.6 GB of 5.5 GB physical memory used. "
    "Consider boosting spark.executor.memoryOverhead."
)
UDF = """\
Traceback (most recent call last):
  File "/mnt1/yarn/x/pyspark.zip/pyspark/worker.py", line 1812, in main
    process()
  File "/mnt1/yarn/x/pyspark.zip/pyspark/worker.py", line 1804, in process
  File "/mnt1/yarn/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 27, in rounded
    return Decimal(text)
decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]
"""
AM = (
    "Application application_1795300000000_0003 failed 2 times due to AM Container for "
    "appattempt_1795300000000_0003_000002 exited with  exitCode: "
)


@dataclass(frozen=True)
class Case:
    """Logs, and what is to be found in them: the kind, words of its lines, the log's name."""

    id: str
    kind: Kind
    words: tuple[str, ...]
    where: str
    logs: dict[str, str]


def case(name: str, kind: Kind, words: str | tuple[str, ...], where: str, **logs: str) -> Case:
    """Logs by the names of the constants above; what always is there is put around them."""
    places = {
        "driver": f"{DRIVER}/stderr",
        "printed": f"{DRIVER}/stdout",
        "again": f"{DRIVER_AGAIN}/stdout",
        "worker": f"{WORKER}/stderr",
        "step": f"{STEP}/stderr",
        "controller": f"{STEP}/controller",
        "serverless": "SPARK_DRIVER/stderr",
        "serverless_worker": "SPARK_EXECUTOR_3/stderr",
        "cluster": "cluster/reason",
    }
    told = {places[location]: text for location, text in logs.items()}
    if "serverless" not in logs:
        told.setdefault(places["controller"], CONTROLLER)
        told.setdefault(places["step"], CLIENT)
        told[places["driver"]] = START + told.get(places["driver"], "") + EXITED
    wanted = (words,) if isinstance(words, str) else words
    return Case(name, kind, wanted, places[where], told)


SAID = "gristmill: tariff.csv: 2026-03 has a gap\n"
CASES = [
    case("the job says why", Kind.SAID, "tariff.csv: 2026-03 has a gap", "printed", printed=SAID),
    case(
        "what the job says counts more than what it got over",
        Kind.SAID,
        "tariff.csv",
        "printed",
        printed=f"stage 3: 4 of 9 tasks done\n{SAID}",
        driver=f"{NOW} WARN YarnAllocator: Container from a bad node: Exit status: -100. "
        "Diagnostics: Container released on a *lost* node\n",
    ),
    case(
        "what the job says is of a kind",
        Kind.JAVA_MEMORY,
        ("Java ran out of memory: give it more", "(java.lang.OutOfMemoryError: Java heap space)"),
        "printed",
        printed="gristmill: Java ran out of memory: give it more (spark-submit --driver-memory 8g)"
        "\n(java.lang.OutOfMemoryError: Java heap space)\n",
    ),
    case(
        "the first attempt says it",
        Kind.SAID,
        "tariff.csv",
        "printed",
        printed=SAID,
        again="gristmill: another run writes them since 23:15\n",
    ),
    case(
        "interrupted, as its machine went away",
        Kind.LOST_NODE,
        "Spot Instance interruption",
        "driver",
        printed="gristmill: interrupted; nothing was published\n",
        driver=f"{NOW} WARN ApplicationMaster: Spot Instance interruption notice received\n"
        f"{NOW} ERROR ApplicationMaster: RECEIVED SIGNAL TERM\n",
    ),
    case(
        "interrupted, and nothing tells why",
        Kind.SAID,
        "interrupted; nothing was published",
        "printed",
        printed="gristmill: interrupted; nothing was published\n",
    ),
    case(
        "an error in Python",
        Kind.PYTHON,
        ("KeyError: 'decommissioned node was lost'", "at gristmill/jobs/prices.py:12 in price"),
        "printed",
        printed="Traceback (most recent call last):\n"
        '  File "entry.py", line 34, in <module>\n    sys.exit(main(sys.argv[1:]))\n'
        '  File "/mnt/yarn/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 12, in price\n'
        "    return table[name]\n           ~~~~~^^^^^^\n"
        "KeyError: 'decommissioned node was lost'\n",
    ),
    case(
        "an error during the handling of another",
        Kind.PYTHON,
        (
            "ValueError: no digits",
            "at gristmill/jobs/prices.py:12 in price",
            "then: RuntimeError: give up",
        ),
        "printed",
        printed="Traceback (most recent call last):\n"
        '  File "/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 12, in price\n'
        "ValueError: no digits\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n"
        '  File "/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 30, in total\n'
        "TypeError: that does not add up\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        '  File "/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 40, in main\n'
        "RuntimeError: give up\n",
    ),
    case(
        "an error in a function that runs on executors",
        Kind.PYTHON,
        ("decimal.InvalidOperation", "at gristmill/jobs/prices.py:27 in rounded"),
        "printed",
        printed=aborted(
            f"org.apache.spark.api.python.PythonException: {UDF}\n",
            f"Caused by: org.apache.spark.api.python.PythonException: {UDF}\n\tat x.Y.z(Y.scala:1)",
        ),
        driver=f"{NOW} WARN TaskSetManager: Lost task 0.0: {UDF}\n",
    ),
    case(
        "an error of such a function, as PySpark 4 tells it",
        Kind.PYTHON,
        ("decimal.InvalidOperation", "at gristmill/jobs/prices.py:27 in rounded"),
        "printed",
        printed="Traceback (most recent call last):\n"
        '  File "/x/gristmill-0.1.0.zip/gristmill/engine/parquet.py", line 41, in write\n'
        "pyspark.errors.exceptions.captured.PythonException: \n"
        "  An exception was thrown from the Python worker. Please see the stack trace below.\n"
        f"{UDF}\n",
    ),
    case(
        "an error in Spark with its class",
        Kind.SPARK,
        "[DIVIDE_BY_ZERO] Division by zero",
        "printed",
        printed=aborted(
            "org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero. Use "
            "`try_divide` to tolerate divisor being 0. SQLSTATE: 22012",
        ),
        driver=f"{NOW} WARN YarnAllocator: Container released on a *lost* node\n",
    ),
    case(
        "an analysis error",
        Kind.SPARK,
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column",
        "printed",
        printed="Traceback (most recent call last):\n"
        '  File "/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 9, in prices\n'
        "pyspark.errors.exceptions.captured.AnalysisException: "
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name "
        "`prise` cannot be resolved. Did you mean [`price`]? SQLSTATE: 42703\n",
    ),
    case(
        "an exception of Java without a class",
        Kind.SPARK,
        "java.io.IOException: not a codec: 9",
        "printed",
        printed=aborted(
            "org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows "
            "to s3://b/out. SQLSTATE: 58030",
            "Caused by: org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed.\n"
            "\t... 12 more\nCaused by: java.io.IOException: not a codec: 9\n\t... 15 more",
        ),
    ),
    case(
        "the driver's Java is full, and Python loses it",
        Kind.JAVA_MEMORY,
        "java.lang.OutOfMemoryError: Java heap space",
        "driver",
        printed=PY4J_GONE,
        driver=f'{NOW} ERROR Utils: Uncaught exception in thread "task-result-getter-3"\n'
        "java.lang.OutOfMemoryError: Java heap space\n\tat java.base/java.util.Arrays.copyOf(x)\n"
        "#\n# java.lang.OutOfMemoryError: Java heap space\n"
        f"{NOW} WARN YarnAllocator: Container released on a *lost* node\n",
    ),
    case(
        "an executor's Java is full, and its shuffles are lost",
        Kind.JAVA_MEMORY,
        "java.lang.OutOfMemoryError: GC overhead limit exceeded",
        "worker",
        printed=aborted(
            "FetchFailed(null, shuffleId=2, mapIndex=-1, reduceId=7, message=\n"
            "org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location "
            "for shuffle 2 partition 7"
        ),
        worker=f"{NOW} ERROR Executor: Exception in task 3.0 in stage 2.0 (TID 38)\n"
        "java.lang.OutOfMemoryError: GC overhead limit exceeded\n\tat x.Y.z(Y.java:1)\n",
    ),
    case(
        "an executor's container is too large",
        Kind.CONTAINER_MEMORY,
        "5.6 GB of 5.5 GB physical memory used",
        "printed",
        printed=aborted(BEYOND),
    ),
    case(
        "the driver's container is too large",
        Kind.CONTAINER_MEMORY,
        "is running 1212416B beyond the 'PHYSICAL' memory limit",
        "step",
        step=f"{NOW} ERROR Client: Application diagnostics message: {AM}-104\n"
        "Failing this attempt.Diagnostics: [2026-11-21 23:15:06.902]Container [pid=4711,"
        "containerID=container_1795300000000_0003_02_000001] is running 1212416B beyond the "
        "'PHYSICAL' memory limit. Current usage: 2.4 GB of 2.4 GB physical memory used; 4.9 GB of "
        f"11.9 GB virtual memory used. Killing container.\n{CLIENT}",
    ),
    case(
        "the kernel killed the driver",
        Kind.CONTAINER_MEMORY,
        "exitCode: 137",
        "step",
        step=f"{NOW} ERROR Client: Application diagnostics message: {AM}137\n"
        "Failing this attempt.Diagnostics: [2026-11-21 23:15:06.902]Container killed on request. "
        f"Exit code is 137\n{CLIENT}",
    ),
    case(
        "a pod was killed for its memory",
        Kind.CONTAINER_MEMORY,
        "possible container OOM",
        "serverless",
        serverless=f"{NOW} INFO SparkContext: Running Spark version 4.1.1\n"
        + aborted(
            "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: "
            "The executor with id 3 exited with exit code 137(SIGKILL, possible container OOM)."
        ),
    ),
    case(
        "Python on an executor has no memory",
        Kind.PYTHON_MEMORY,
        ("MemoryError", "at gristmill/jobs/prices.py:27 in rounded"),
        "printed",
        printed=aborted(
            "org.apache.spark.api.python.PythonException: "
            + UDF.replace(
                "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]", "MemoryError"
            )
        ),
    ),
    case(
        "a Python worker died",
        Kind.PYTHON_MEMORY,
        "Python worker exited unexpectedly (crashed)",
        "printed",
        printed=aborted(
            "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed). "
            "Consider setting 'spark.sql.execution.pyspark.udf.faulthandler.enabled'",
            "Caused by: java.io.EOFException\n\tat java.base/java.io.DataInputStream.readInt(x)",
        ),
    ),
    case(
        "a Python worker died as its container was killed",
        Kind.CONTAINER_MEMORY,
        "beyond the 'PHYSICAL' memory limit",
        "worker",
        printed=aborted(
            "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)"
        ),
        worker="Container [pid=9] is running 99B beyond the 'PHYSICAL' memory limit. Killing it.\n",
    ),
    case(
        "a Spot machine went away",
        Kind.LOST_NODE,
        "Container released on a *lost* node",
        "printed",
        printed=aborted(LOST),
    ),
    case(
        "executors were decommissioned",
        Kind.LOST_NODE,
        "Executor decommission",
        "printed",
        printed=aborted("ExecutorLostFailure (executor 2 exited) Reason: Executor decommission."),
    ),
    case(
        "the cluster lost its Spot machines",
        Kind.LOST_NODE,
        "Spot",
        "cluster",
        cluster="Terminated with errors: core instances were terminated with their Spot price\n",
    ),
    case(
        "an executor's disk is full",
        Kind.DISK,
        "No space left on device",
        "printed",
        printed=aborted(
            "java.io.IOException: No space left on device\n\tat java.base/sun.nio.ch.x(Native)"
        ),
    ),
    case(
        "a machine's disks are full",
        Kind.DISK,
        "below configured utilization percentage",
        "driver",
        printed=aborted("ExecutorLostFailure (executor 7 exited) Reason: Executor Process Lost"),
        driver=f"{NOW} WARN YarnAllocator: 1/1 local-dirs usable space is below configured "
        "utilization percentage/no more usable space [ /mnt/yarn : used space above 90.0% ]\n",
    ),
    case(
        "S3 denies the output",
        Kind.S3_DENIED,
        "AccessDeniedException",
        "printed",
        printed=aborted(
            "java.nio.file.AccessDeniedException: s3://b/out/x: put on out/x: software.amazon."
            "awssdk.services.s3.model.S3Exception: Access Denied (Service: S3, Status Code: 403)"
        ),
    ),
    case(
        "there is no such bucket",
        Kind.S3_BUCKET,
        "The specified bucket does not exist",
        "printed",
        printed=aborted(
            "org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://c/in': getFileStatus on "
            "s3a://c/in: NoSuchBucketException: The specified bucket does not exist "
            "(Service: S3, Status Code: 404)"
        ),
    ),
    case(
        "S3 is too busy",
        Kind.S3_BUSY,
        "reduce your request rate",
        "printed",
        printed=aborted(
            "org.apache.hadoop.fs.s3a.AWSServiceThrottledException: PUT 0-byte object: Please "
            "reduce your request rate. (Service: S3, Status Code: 503)"
        ),
    ),
    case(
        "the script is not in S3",
        Kind.PACKAGE,
        "entry.py",
        "step",
        step='Exception in thread "main" java.io.FileNotFoundException: No such file or directory: '
        "s3://b/gristmill/packages/0123456789abcdef/entry.py\n\tat org.apache.hadoop.x(Y.java:1)\n",
    ),
    case(
        "the package is not there",
        Kind.PACKAGE,
        "No module named 'gristmill'",
        "printed",
        printed='Traceback (most recent call last):\n  File "entry.py", line 20, in main\n'
        "ModuleNotFoundError: No module named 'gristmill'\n",
    ),
    case(
        "a module is missing",
        Kind.MODULE,
        (
            "ModuleNotFoundError: No module named 'xxhash'",
            "at gristmill/jobs/prices.py:3 in <module>",
        ),
        "printed",
        printed="Traceback (most recent call last):\n"
        '  File "entry.py", line 20, in main\n    from gristmill.jobs import CATALOGUE\n'
        '  File "<frozen zipimport>", line 259, in load_module\n'
        '  File "/x/gristmill-0.1.0.zip/gristmill/jobs/prices.py", line 3, in <module>\n'
        "ModuleNotFoundError: No module named 'xxhash'\n",
    ),
    case(
        "dependencies for other processors",
        Kind.PROCESSOR,
        "cannot open shared object file",
        "printed",
        printed='Traceback (most recent call last):\n  File "/x/jobs/prices.py", line 3, in x\n'
        "ImportError: _xxhash.cpython-311-x86_64-linux-gnu.so: cannot open shared object file\n",
    ),
    case(
        "there is no such Python",
        Kind.RUNTIME,
        'Cannot run program "python3.12"',
        "driver",
        driver=f"{NOW} ERROR ApplicationMaster: User class threw exception:\n"
        'java.io.IOException: Cannot run program "python3.12": error=2, No such file or directory\n'
        "\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)\n",
    ),
    case(
        "a shell finds no such Python",
        Kind.RUNTIME,
        "python3.12’: No such file",
        "worker",
        printed=aborted("org.apache.spark.SparkException: Python worker exited unexpectedly"),
        worker="env: ‘python3.12’: No such file or directory\n",
    ),
    case(
        "two Pythons",
        Kind.RUNTIME,
        "[PYTHON_VERSION_MISMATCH]",
        "printed",
        printed=aborted(
            "org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n"
            '  File "/mnt1/x/pyspark.zip/pyspark/worker.py", line 1, in main\n'
            "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python "
            "in worker has different version (3, 9) than that in driver 3.11.\n"
        ),
    ),
    case(
        "a class is missing",
        Kind.CLASS,
        "ClassNotFoundException: org.example.Reader",
        "printed",
        printed=aborted("java.lang.ClassNotFoundException: org.example.Reader"),
    ),
    case(
        "a time-out",
        Kind.TIMEOUT,
        "Futures timed out after [300 seconds]",
        "printed",
        printed=aborted(
            "java.util.concurrent.TimeoutException: Futures timed out after [300 seconds]"
        ),
    ),
    case(
        "a heartbeat was late as memory ran out",
        Kind.JAVA_MEMORY,
        "OutOfMemoryError",
        "worker",
        printed=aborted(
            "ExecutorLostFailure (executor 4 exited caused by one of the running tasks) Reason: "
            "Executor heartbeat timed out after 152113 ms"
        ),
        worker='Exception in thread "dispatcher" java.lang.OutOfMemoryError: Java heap space\n',
    ),
    case(
        "only the executors tell",
        Kind.PYTHON,
        ("decimal.InvalidOperation", "at gristmill/jobs/prices.py:27 in rounded"),
        "worker",
        worker=f"{NOW} ERROR Executor: Exception in task 0.0 in stage 1.0 (TID 1)\n"
        f"org.apache.spark.api.python.PythonException: {UDF}\n",
    ),
    case(
        "somebody killed it on YARN",
        Kind.KILLED,
        "was killed by user hadoop at 10.0.1.7",
        "step",
        step=f"{NOW} INFO Client: Application report for application_1795300000000_0003 "
        "(state: KILLED)\n"
        "\t diagnostics: Application application_1795300000000_0003 was killed by user hadoop at "
        "10.0.1.7\n"
        'Exception in thread "main" org.apache.spark.SparkException: Application '
        "application_1795300000000_0003 is killed\n",
    ),
    case(
        "an executor larger than YARN gives",
        Kind.TOO_LARGE,
        "above the max threshold (12288 MB)",
        "step",
        step=f"{NOW} INFO Client: Verifying our application has not requested more than the "
        "maximum memory capability of the cluster (12288 MB per container)\n"
        'Exception in thread "main" java.lang.IllegalArgumentException: Required executor memory '
        "(16384 MB), offHeap memory (0) MB, overhead (1638 MB), and PySpark memory (0 MB) is above "
        "the max threshold (12288 MB) of this cluster! Please check the values of "
        "'yarn.scheduler.maximum-allocation-mb' and/or 'yarn.nodemanager.resource.memory-mb'.\n"
        "\tat org.apache.spark.deploy.yarn.Client.verifyClusterResources(Client.scala:404)\n",
    ),
    case(
        "no node has the label",
        Kind.LABEL,
        "label= CORE",
        "step",
        step='Exception in thread "main" org.apache.hadoop.yarn.exceptions.'
        "InvalidLabelResourceRequestException: Invalid label resource request, cluster do not "
        "contain , label= CORE\n"
        "\tat org.apache.hadoop.yarn.server.resourcemanager.scheduler.SchedulerUtils.x(S.java:1)\n",
    ),
    case(
        "numpy without what is compiled of it",
        Kind.COMPILED,
        "numpy.core._multiarray_umath",
        "printed",
        printed='Traceback (most recent call last):\n  File "/x/jobs/prices.py", line 3, in x\n'
        "    import numpy\n"
        "ModuleNotFoundError: No module named 'numpy.core._multiarray_umath'\n",
    ),
    case(
        "an image library without what is compiled of it",
        Kind.COMPILED,
        "cannot import name '_imaging' from 'PIL'",
        "printed",
        printed='Traceback (most recent call last):\n  File "/x/jobs/prices.py", line 3, in x\n'
        "    from PIL import Image\n"
        "ImportError: cannot import name '_imaging' from 'PIL' (/x/PIL/__init__.py)\n",
    ),
    case(
        "a program for other processors",
        Kind.PROCESSOR,
        "Exec format error",
        "driver",
        driver=f"{NOW} ERROR ApplicationMaster: User class threw exception:\n"
        'java.io.IOException: Cannot run program "./environment/bin/python": error=8, Exec format '
        "error\n"
        "\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)\n",
    ),
    case(
        "no way to S3",
        Kind.NO_ROUTE,
        "failed: connect timed out",
        "printed",
        printed=aborted(
            "java.net.SocketTimeoutException: Unable to execute HTTP request: Connect to "
            "mill.s3.eu-central-1.amazonaws.com:443 [mill.s3.eu-central-1.amazonaws.com/52.219.1.1]"
            " failed: connect timed out"
        ),
    ),
    case(
        "no way to STS",
        Kind.NO_ROUTE,
        "UnknownHostException: sts.cn-north-1.amazonaws.com.cn",
        "printed",
        printed=aborted("java.net.UnknownHostException: sts.cn-north-1.amazonaws.com.cn"),
    ),
    case(
        "the token expired",
        Kind.EXPIRED,
        "The provided token has expired",
        "printed",
        printed=aborted(
            "software.amazon.awssdk.services.s3.model.S3Exception: The provided token has expired. "
            "(Service: S3, Status Code: 400, Request ID: 7WX, Extended Request ID: x) "
            "(Error Code: ExpiredToken)"
        ),
    ),
    case(
        "nothing tells but that it failed",
        Kind.UNKNOWN,
        "User application exited with status 1",
        "driver",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_cause_is_found(case: Case) -> None:
    cause = probable_cause(case.logs)
    assert cause.kind is case.kind, cause
    assert cause.where == case.where
    assert 1 <= len(cause.lines) <= 4
    for number, words in enumerate(case.words):
        assert words in "\n".join(cause.lines[number:]), cause
    assert cause.advice


WELL = f"""\
{NOW} INFO Client: Verifying our application has not requested more than the maximum memory \
capability of the cluster (12288 MB per container)
{NOW} INFO YarnAllocator: Will request 2 executor container(s) for ResourceProfile Id: 0, each \
with 4 core(s) and 9011 MB memory. with custom resources: <memory:9011, vCores:4>
{NOW} INFO Client: Use hdfs cache file as spark.yarn.archive for HDP, label CORE
{NOW} INFO SecurityManager: users  with modify permissions: Set(hadoop); groups with view acls
{NOW} WARN AwsCredentials: refreshed a token that expires in 3600 seconds
{NOW} WARN S3NativeFileSystem: Opening 's3://mill/in/killed by user story.txt' for reading
{NOW} WARN Executor: connected to mill.s3.eu-central-1.amazonaws.com:443 after 2 timed out polls
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_is_said_of_runs_that_are_well_is_no_cause(case: Case) -> None:
    """Precision: no kind is named for words that logs of good runs have too."""
    name = f"{APP}/container_1795300000000_0003_01_000078/stderr"
    for logs in ({**case.logs, name: WELL}, {log: WELL + text for log, text in case.logs.items()}):
        found = probable_cause(logs)
        assert (found.kind, found.where) == (case.kind, case.where), found


NOISE = st.lists(
    st.one_of(
        # Hypothesis tries texts of our own code, too: what names a cause by itself is no noise.
        st.text(max_size=60)
        .map(lambda text: text.replace("gristmill: ", ""))
        .filter(lambda text: probable_cause({"x": text}).kind is Kind.UNKNOWN),
        st.sampled_from(
            [
                f"{NOW} INFO TaskSetManager: Finished task 3.0 in stage 2.0 (TID 3) in 61 ms",
                f"{NOW} INFO BlockManagerInfo: Removed broadcast_3_piece0 (size: 34.1 KiB)",
                f"{NOW} WARN YarnAllocator: Container killed on request. Exit code is 143",
                "\tat org.apache.spark.rdd.RDD.iterator(RDD.scala:338)",
                "stage 2: 4 of 17 tasks done",
                "",
            ]
        ),
    ),
    max_size=30,
).map("\n".join)


@given(case=st.sampled_from(CASES), before=NOISE, other=NOISE)
@settings(max_examples=300, deadline=None)
def test_noise_around_it_changes_nothing(case: Case, before: str, other: str) -> None:
    quiet = probable_cause(case.logs)
    noisy = {
        name: f"{before}\n{NOW} INFO X: start\n{text}\n{NOW} INFO X: end\n"
        for name, text in case.logs.items()
    }
    found = probable_cause({**noisy, f"{APP}/container_1795300000000_0003_01_000077/stderr": other})
    assert (found.kind, found.where) == (quiet.kind, quiet.where)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=5))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_cause(logs: dict[str, str]) -> None:
    cause = probable_cause(logs)
    assert len(cause.lines) <= 4
    assert all(0 < len(line) <= 300 and "\n" not in line for line in cause.lines)


def test_where_there_are_no_logs_it_says_so() -> None:
    assert probable_cause({}) == Cause(Kind.UNKNOWN, (), "")
    assert probable_cause({"steps/s-1/stderr": "\n \n"}) == Cause(Kind.UNKNOWN, (), "")


def test_every_kind_has_one_line_of_advice() -> None:
    assert all(kind.advice and "\n" not in kind.advice for kind in Kind)


def test_advice_on_spark_is_as_exact_as_elsewhere() -> None:
    damaged = Cause(Kind.SPARK, ("[CANNOT_READ_FILE_FOOTER] Could not read footer",), "x")
    assert damaged.advice == "this is not Parquet, or is damaged: repair it, or leave it out"
    assert Cause(Kind.SPARK, ("[OTHER] x",), "x").advice == Kind.SPARK.advice


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        f"{NOW} ERROR Client: trouble\n" * 200_000,
        "Traceback (most recent call last):\n" * 100_000,
        'Traceback (most recent call last):\n  File "a", line 1, in f\nE: x\n' * 50_000,
        "No such file not exist /packages/0123456789abcdef/ spot instances were " * 60_000,
        "[A" * 1_000_000,
        "\n" * 300_000,
    ],
    ids=["one line", "errors", "headings", "tracebacks", "near misses", "brackets", "empty"],
)
def test_long_logs_are_gone_through(text: str) -> None:
    """Where time grew with the square of the length, this would not end."""
    cause = probable_cause({f"{DRIVER}/stderr": f"{text}\n{SAID}", f"{WORKER}/stderr": text})
    assert (cause.kind, cause.where) == (Kind.SAID, f"{DRIVER}/stderr")


def test_of_a_long_log_the_end_counts() -> None:
    text = f"{NOW} INFO Task: done\n" * 200_000
    assert probable_cause({"SPARK_DRIVER/stdout": text + SAID}).kind is Kind.SAID

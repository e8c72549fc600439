"""The kinds of causes, what to do about each, and the words by which logs give them away."""

import re
from dataclasses import dataclass
from enum import StrEnum

from gristmill.diagnosis import explain as failures


class Kind(StrEnum):
    """Why a run failed."""

    SAID = "the job says why"
    PYTHON = "error in Python"
    SPARK = "error in Spark"
    JAVA_MEMORY = "Java ran out of memory"
    CONTAINER_MEMORY = "a container was killed for its memory"
    PYTHON_MEMORY = "Python ran out of memory"
    LOST_NODE = "a machine went away"
    DISK = "a disk is full"
    S3_DENIED = "S3 denied access"
    S3_BUCKET = "no such bucket"
    S3_BUSY = "S3 was too busy"
    PACKAGE = "what was shipped is not there"
    MODULE = "a Python module is missing"
    RUNTIME = "wrong Python"
    PROCESSOR = "built for other processors"
    COMPILED = "what is compiled of a package is missing"
    KILLED = "somebody ended it"
    TOO_LARGE = "more memory than YARN gives"
    LABEL = "no node has the label"
    NO_ROUTE = "no way to S3 or STS"
    EXPIRED = "the credentials expired"
    CLASS = "a Java class is missing"
    TIMEOUT = "something took too long"
    UNKNOWN = "the logs do not tell"

    @property
    def advice(self) -> str:
        """What to do, in one line."""
        return _ADVICE[self]


_ADVICE = {
    Kind.SAID: "see what the job says",
    Kind.PYTHON: "correct the code at that line, and try it on a few rows with: gristmill run",
    Kind.SPARK: "correct the query or the input that it names",
    Kind.JAVA_MEMORY: (
        "give Java more: spark.driver.memory or spark.executor.memory, whichever's log it is in"
    ),
    Kind.CONTAINER_MEMORY: (
        "give it room beside Java's memory: spark.executor.memoryOverhead (of the driver: "
        "spark.driver.memoryOverhead), or larger machines"
    ),
    Kind.PYTHON_MEMORY: (
        "give Python room: spark.executor.memoryOverhead or spark.executor.pyspark.memory, or "
        "fewer spark.executor.cores"
    ),
    Kind.LOST_NODE: "run again; if Spot capacity is short, ask for On-Demand or for more types",
    Kind.DISK: "give the machines larger volumes (EBS), or more machines",
    Kind.S3_DENIED: "let the run's role read the input and write the output, and use their key",
    Kind.S3_BUCKET: "check the bucket's name and its region",
    Kind.S3_BUSY: "run again later, with fewer executors at once",
    Kind.PACKAGE: "submit again, which uploads what is missing; check that the role may read it",
    Kind.MODULE: "name it in a requirements file and submit with --requirements FILE",
    Kind.RUNTIME: "set the Python that the release has (python3.11), here and in the environment",
    Kind.PROCESSOR: (
        "build the dependencies for the cluster's architecture (arm64 or x86_64): submit with "
        "--requirements FILE, and none of your own archive"
    ),
    Kind.COMPILED: (
        "ship the package whole, as a wheel for the cluster's Python and architecture: submit with "
        "--requirements FILE"
    ),
    Kind.KILLED: "ask who has ended it on YARN; if nobody knows, run again",
    Kind.TOO_LARGE: (
        "ask for less, memory and overhead together, than the maximum that it names, or take "
        "larger machines"
    ),
    Kind.LABEL: (
        "give the cluster core nodes, or do not ask for the label: "
        "spark.yarn.am.nodeLabelExpression, spark.yarn.executor.nodeLabelExpression"
    ),
    Kind.NO_ROUTE: (
        "give the subnets a way there: a gateway endpoint for S3, an interface endpoint for STS, "
        "or NAT; see docs/emr-account.md"
    ),
    Kind.EXPIRED: (
        "run again; where it takes longer than the credentials last, raise the role's session "
        "duration"
    ),
    Kind.CLASS: "add what has the class, with spark.jars.packages or spark.jars",
    Kind.TIMEOUT: "run again; where it comes back, look for overloaded machines or the network",
    Kind.UNKNOWN: "look through the logs, the driver's first",
}


@dataclass(frozen=True)
class Cause:
    """Why a run failed: the kind, a few lines that show it, and the log that they are in."""

    kind: Kind
    lines: tuple[str, ...]
    where: str

    @property
    def advice(self) -> str:
        """What to do, in one line."""
        if self.kind is Kind.SPARK:
            known = (failures.advice(line) for line in self.lines)
            return next((text for text in known if text), self.kind.advice)
        return self.kind.advice


def kind_of(line: str) -> Kind | None:
    """What a line gives away; None where that is nothing, or only a consequence."""
    return next((kind for kind, pattern in _SIGNS if pattern.search(line)), None)


def sign_ends(line: str) -> int:
    """Where the words end by which a line gives away what it does; 0 where there are none."""
    found = (pattern.search(line) for _kind, pattern in (*_SIGNS, *WEAK_SIGNS))
    return next((sign.end() for sign in found if sign), 0)


def rank(kind: Kind) -> int:
    """The lower, the rather it is the cause of the others."""
    return _ORDER.index(kind)


def is_consequence(line: str) -> bool:
    """Whether it is what one sees where something else, elsewhere, went wrong."""
    return bool(_CONSEQUENCE.search(line))


_SIGNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.KILLED, r"[Aa]pplication (?:\S+ )?(?:was )?killed by user\b"),
        (
            Kind.TOO_LARGE,
            r"is above the max threshold \(|requested resource is greater than maximum allowed"
            r"|requested resource type=\[[^]]*\] < 0 or greater than maximum allowed",
        ),
        (
            Kind.LABEL,
            r"InvalidLabelResourceRequest|Invalid label resource request"
            r"|permission to access all labels in resource request",
        ),
        (
            Kind.PROCESSOR,
            r"Exec format error|cannot open shared object file|wrong ELF class|invalid ELF header"
            r"|incompatible architecture",
        ),
        (
            Kind.COMPILED,
            r"Importing the \w+ C-extensions failed|C extension: \S+ not built"
            r"|No module named '?[\w.]*(?:_multiarray_umath|_cffi_backend|_libs\.\w+|_speedups"
            r"|\._[a-z]+ext|_pydantic_core|_rust)\b"
            r"|cannot import name '_\w+' from '\w+'",
        ),
        (
            Kind.RUNTIME,
            r"undefined symbol"
            r"|version [`']GLIBC\w*_[\d.]+' not found|bad interpreter|PYTHON_VERSION_MISMATCH"
            r"|python[\d.]*[’'\"]?: (?:command not found|not found|No such file)"
            r"|Cannot run program \"[^\"]*python[\d.]*\""
            r"|Python in worker has different version|this Python is \d"
            r"|No module named '?(?:pyspark|py4j)\b",
        ),
        (
            Kind.DISK,
            r"No space left on device|Disk quota exceeded|below configured utilization percentage"
            r"|local-dirs (?:are bad|usable space)",
        ),
        (
            Kind.CONTAINER_MEMORY,
            r"beyond (?:the )?'?(?:PHYSICAL|physical|VIRTUAL|virtual)'? memory limit"
            r"|exceeding (?:physical |virtual )?memory limits|OOMKilled|possible container OOM"
            r"|exitCode: -10[34]\b|Exit status: -10[34]\b",
        ),
        (
            Kind.JAVA_MEMORY,
            # Java's own option -XX:OnOutOfMemoryError stands in every command line.
            r"(?<!On)OutOfMemoryError(?!=)|Java heap space|GC overhead limit exceeded"
            r"|[Ee]xit (?:status|code):? 52\b|Not enough memory to build and broadcast",
        ),
        (
            Kind.PYTHON_MEMORY,
            r"(?:^|[\s.])_?(?:Array)?MemoryError\b|Cannot allocate memory"
            r"|insufficient memory for the Java Runtime",
        ),
        (
            Kind.LOST_NODE,
            r"released on a \*lost\* node|(?:Exit status|exitCode): -100\b|Slave lost"
            r"|(?<!\.)\b[Ee]xecutor decommission|worker decommissioned|decommissioned (?:node|host)"
            r"|[Ss]pot (?:[Ii]nstance )?[Ii]nterrupt"
            r"|[Nn]ode (?:\S+ )?(?:was |is |has been )?(?:lost|LOST)\b|\bNO_SLAVE_LEFT"
            r"|[Ii]nstances? (?:was |were )?(?:terminated|reclaimed).*\b[Ss]pot|BID_PRICE"
            r"|[Ss]pot.*(?:was |were )?(?:terminated|reclaimed)",
        ),
        (
            Kind.EXPIRED,
            r"ExpiredToken|[Tt]oken (?:included in the request )?(?:is|has) expired"
            r"|RequestExpired|TokenRefreshRequired",
        ),
        (
            Kind.NO_ROUTE,
            r"\b(?:s3|sts)[\w.-]*\.amazonaws\.\S*.*"
            r"(?:[Cc]onnect(?:ion)? timed out|No route to host|Network is unreachable)"
            r"|UnknownHostException: \S*\b(?:s3|sts)[\w.-]*\.amazonaws\."
            r"|Could not connect to the endpoint URL: \S*\b(?:s3|sts)\b",
        ),
        (Kind.S3_BUCKET, r"NoSuchBucket|bucket does not exist|UnknownStoreException"),
        (Kind.S3_BUSY, r"SlowDown|Slow Down|reduce your request rate|Status Code: 503"),
        (
            Kind.PACKAGE,
            r"can't open file '|No module named '?gristmill\b"
            r"|/packages/[0-9a-f]{16}/\S+.*(?:No such|not exist|not found)"
            r"|(?:No such file|not exist|not found|NoSuchKey).*/packages/[0-9a-f]{16}/",
        ),
        (
            Kind.S3_DENIED,
            r"AccessDenied|Access Denied|Status Code: 403|not authorized to perform|\b403 Forbidden"
            r"|AllAccessDisabled|InvalidAccessKeyId|no permission: ask for access",
        ),
        (Kind.MODULE, r"No module named "),
        (
            Kind.CLASS,
            r"ClassNotFoundException|NoClassDefFoundError|\[DATA_SOURCE_NOT_FOUND\]"
            r"|Failed to find (?:the )?data source",
        ),
    )
)

# What is told of containers and processes that were ended: also said where all is well.
WEAK_SIGNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            Kind.CONTAINER_MEMORY,
            r"[Ee]xit ?[Cc]ode(?: is|:)? +137\b|Exit status: 137\b|exitCode: 137\b"
            r"|Killed by external signal",
        ),
        (Kind.PYTHON_MEMORY, r"Python worker exited unexpectedly|Python worker (?:has )?crashed"),
        (
            Kind.TIMEOUT,
            r"Futures timed out|heartbeat timed out|TimeoutException|TimeoutError"
            r"|[Cc]onnection timed out|[Rr]ead timed out",
        ),
    )
)

_ORDER = tuple(kind for kind, _pattern in _SIGNS)

_CONSEQUENCE = re.compile(
    r"Py4JNetworkError|Answer from Java side is empty|trying to connect to the Java server"
    r"|while sending or receiving|Connection (?:refused|reset)|ClosedChannel|Broken pipe"
    r"|EOFError|EOFException|Fetch ?[Ff]ailed|Missing an output location|ExecutorLost"
    r"|[Ee]xecutor \S+ exited|Job aborted|[Cc]ancelled|SparkContext (?:was|has been) shut ?down"
    r"|stopped SparkContext|Python worker exited unexpectedly|finished with failed status"
    r"|interrupted; nothing was published|KeyboardInterrupt|exited with (?:1|status)\b"
    r"|[Pp]rocess [Ll]ost|timed out|Timeout|SIGTERM|[Ee]xit ?[Cc]ode(?: is|:)? +1(?:43|37)\b"
    r"|error occurred while calling|writer(?:s)? aborted|WRITING_JOB_ABORTED|TASK_WRITE_FAILED"
)

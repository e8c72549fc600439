"""Fields that specs share: what a value of each kind must look like."""

import argparse
import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gristmill.model.options import duration


class Table(BaseModel):
    """A table of a TOML file: nothing in it can be changed, and no key is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _span(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise ValueError("must be a span of time such as '30m' or '6h'")
    try:
        return duration(value)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"must be {str(error).partition(' is not ')[2]}") from error


Span = Annotated[timedelta, BeforeValidator(_span)]
"""A whole number of seconds, minutes, hours or days: `30s`, `10m`, `6h`."""


def between(low: str, high: str) -> AfterValidator:
    """A span that is no shorter than `low` and no longer than `high`."""

    def checked(value: timedelta) -> timedelta:
        if not duration(low) <= value <= duration(high):
            raise ValueError(f"must be between {low} and {high}")
        return value

    return AfterValidator(checked)


def _folder(value: str) -> str:
    return value.rstrip("/")


def like(pattern: str, what: str) -> AfterValidator:
    """Text that `pattern` matches as a whole; `what` says in words what that is."""

    def checked(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {what}")
        return value

    return AfterValidator(checked)


S3Folder = Annotated[
    str,
    like(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", "a folder in S3: s3://BUCKET/FOLDER"),
    AfterValidator(_folder),
]
"""A bucket or a folder in it, by S3's rules for names of buckets."""

S3File = Annotated[str, like(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+", "an object in S3")]

# EMR refuses < > $ | and ` in names; an application of EMR Serverless takes even less.
Name = Annotated[str, like(r"[A-Za-z0-9._-]{1,64}", "1 to 64 letters, digits, dots or dashes")]
"""What a cluster or an application is called."""

RoleArn = Annotated[
    str, like(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "the ARN of an IAM role")
]
Region = Annotated[str, like(r"[a-z]{2,8}(-[a-z]+)+-\d{1,2}", "a region such as eu-central-1")]
Subnet = Annotated[str, like(r"subnet-[0-9a-f]{8,17}", "a subnet: subnet-0123456789abcdef0")]
Group = Annotated[str, like(r"sg-[0-9a-f]{8,17}", "a security group: sg-0123456789abcdef0")]
InstanceType = Annotated[
    str, like(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type such as m7g.xlarge")
]
ReleaseLabel = Annotated[
    str, like(r"emr-(spark-)?\d+\.\d+\.\d+", "a release label such as emr-spark-8.1.0")
]
PythonVersion = Annotated[str, like(r"3\.\d+", "a version of Python such as 3.11")]
TagKey = Annotated[str, like(r"(?i)(?!aws:).{1,128}", "1 to 128 characters, not aws: first")]
TagValue = Annotated[str, like(r".{0,256}", "at most 256 characters")]
Tags = Annotated[dict[TagKey, TagValue], Field(default_factory=dict, max_length=40)]
"""Tags of one's own; AWS takes 50, and some are ours."""

SparkSettings = Annotated[dict[str, str], Field(default_factory=dict)]


class Home(Table):
    """Where runs are: `home` is the folder in S3 below which packages, runs and logs are kept."""

    region: Region
    home: S3Folder


class Place(Home):
    """What clusters and applications have in common.

    `python` is the version that jobs run on; `spark` are settings for all of them.
    """

    name: Name
    release_label: ReleaseLabel = "emr-spark-8.1.0"
    python: PythonVersion = "3.11"
    log_uri: S3Folder | None = None
    spark: SparkSettings
    tags: Tags

    @property
    def logs(self) -> str:
        """The folder in S3 where logs go: EMR keeps none where nothing is said."""
        return self.log_uri or f"{self.home}/logs"

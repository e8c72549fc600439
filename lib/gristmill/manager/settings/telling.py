"""Who is told what, and when to raise an alarm: tables of `manager.toml`."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gristmill.manager.settings.starting import check_zone
from gristmill.manager.values import Table

Kind = Literal["succeeded", "failed", "set_aside", "late", "recovered", "alarm", "late_files"]


def _clock(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("must be a time of day such as 22:00")
    return value


TimeOfDay = Annotated[str, AfterValidator(_clock)]


class Quiet(Table):
    """Hours in which nothing is sent; it goes out at their end."""

    start: TimeOfDay
    end: TimeOfDay
    zone: Annotated[str, AfterValidator(check_zone)] = "UTC"


class Notice(Table):
    """A sink for messages: an Apprise `url` (mail, chat, webhooks:
    https://github.com/caronc/apprise/wiki), an `sns` topic, an `sqs` queue, or mail by `ses`.

    It gets what `on` says of runs whose job fits `jobs` and whose queue fits `queues` (patterns):
    `failed` is each attempt that failed, `set_aside` a run that is not tried again, `recovered` a
    success after one, `late` a run that is not over `late_after` it was submitted, `late_files` a
    batch that went without all that was expected. `title` and `body` are templates: {job}, {run},
    {state}, {reason}, {advice}, {cause}, {queue}, {datasets}, {kind}. A message to SQS is JSON, and
    lies below `claim_checks`, a folder in S3, where it is too large.
    """

    url: str | None = None
    sns: str | None = None
    sqs: str | None = None
    ses: str | None = None
    sender: str | None = None
    on: Annotated[tuple[Kind, ...], Field(min_length=1)] = ("set_aside", "recovered", "late")
    jobs: tuple[str, ...] = ("*",)
    queues: tuple[str, ...] = ("*",)
    quiet: Quiet | None = None
    title: str = "{job} {kind}"
    body: str = "{job} {kind}: run {run}\n{reason}\n{advice}"
    claim_checks: str | None = None

    @model_validator(mode="after")
    def _one_sink(self) -> Self:
        given = [one for one in (self.url, self.sns, self.sqs, self.ses) if one is not None]
        if len(given) != 1:
            raise ValueError("needs one of url, sns, sqs, ses")
        if self.ses is not None and self.sender is None:
            raise ValueError("mail by SES needs a sender")
        return self


_RULE = re.compile(
    r"(failures|late|waiting|oldest_wait|dead_letters|rejects)\s*(>=|>|<)\s*(\d+(?:\.\d+)?)"
    r"(?:\s+in\s+(\d+[smhd]))?"
)


def _rule(value: str) -> str:
    if not _RULE.fullmatch(value):
        raise ValueError(
            "must be such as 'failures > 3 in 1h': failures, late, waiting, oldest_wait, "
            "dead_letters or rejects; >, >= or <; a number; in a span"
        )
    return value


class Alarm(Table):
    """A rule such as `failures > 3 in 1h`: told once when it begins to hold, and once when it no
    longer does. `oldest_wait` is in seconds; of `waiting`, `oldest_wait` and `dead_letters` what
    is now counts, of the others the span."""

    rule: Annotated[str, AfterValidator(_rule)]
    job: str = "*"
    queue: str = "*"

    @property
    def parts(self) -> tuple[str, str, float, str | None]:
        """What is counted, how it is compared, with what, over which span."""
        found = _RULE.fullmatch(self.rule)
        if found is None:
            raise ValueError(self.rule)
        return found[1], found[2], float(found[3]), found[4]

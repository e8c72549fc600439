"""What a Task's Resource names: a service and what is asked of it, a function, or an activity.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Pattern = Literal["", "sync", "sync:2", "waitForTaskToken"]
"""How its end is known: by its answer, by asking, or by a token that comes back."""

_SERVICE = re.compile(
    r"arn:(?:aws[a-z-]*|\$\{[^}]*\}):states:[^:]*:[^:]*:(?P<service>(?:aws-sdk:)?[A-Za-z0-9-]+):"
    r"(?P<action>[A-Za-z0-9]+)(?:\.(?P<pattern>sync:2|sync|waitForTaskToken))?$"
)
_OURS = re.compile(r"gristmill:(?P<action>[a-zA-Z]+)(?:\.(?P<pattern>sync|waitForTaskToken))?$")
_FUNCTION = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:(?P<name>[^:]+)(?::[^:]+)?$")
_ACTIVITY = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:activity:(?P<name>[^:]+)$")

# What the SDK calls otherwise than the optimised integrations do.
_SAME = {
    "emr": "elasticmapreduce",
    "emrserverless": "emr-serverless",
    "eventbridge": "events",
    "sfn": "states",
}


@dataclass(frozen=True)
class Resource:
    """What a Resource names. `kind` is `service`, `function`, `activity` or `unknown`; `service` is
    as in `lambda` or `aws-sdk:s3`; `name` is that of a function or activity."""

    text: str
    kind: Literal["service", "function", "activity", "unknown"]
    service: str = ""
    action: str = ""
    pattern: Pattern = ""
    name: str = ""

    @property
    def call(self) -> str:
        """The service and the action, as in `sqs:sendMessage`."""
        return f"{self.service}:{self.action}"

    @property
    def is_sdk(self) -> bool:
        """Whether it is asked as the SDK does it, not in an optimised way."""
        return self.service.startswith("aws-sdk:")

    @property
    def provider(self) -> str:
        """The service, whichever way it is asked: `dynamodb` also for `aws-sdk:dynamodb`."""
        return provider_of(self.service.removeprefix("aws-sdk:"))

    @property
    def shown_action(self) -> str:
        """The action as histories have it, with its pattern."""
        return f"{self.action}.{self.pattern}" if self.pattern else self.action


def provider_of(service: str) -> str:
    """A service by the one name that it has here, whichever way it is asked."""
    return _SAME.get(service, service)


@lru_cache(maxsize=1024)
def resource_of(text: str) -> Resource:
    """Read a Resource."""
    if found := _ACTIVITY.match(text):
        return Resource(text, "activity", name=found["name"])
    if found := _SERVICE.match(text):
        pattern: Pattern = found["pattern"] or ""  # type: ignore[assignment]
        return Resource(text, "service", found["service"], found["action"], pattern)
    if found := _OURS.match(text):
        pattern = found["pattern"] or "sync"  # type: ignore[assignment]
        return Resource(text, "service", "gristmill", found["action"], pattern)
    if found := _FUNCTION.match(text):
        return Resource(text, "function", "lambda", "invoke", "", found["name"])
    return Resource(text, "unknown")

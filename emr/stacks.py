"""Stacks of CloudFormation: made and changed by change sets, and waited for.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from gristmill.emr.aws import explained
from gristmill.errors import BusyError, GristmillError, UsageError

_PATIENCE_SECONDS = 3600.0
# What CloudFormation says of a change set that would change nothing.
_NOTHING = ("didn't contain changes", "No updates are to be performed")


class Stacks:
    """The stacks of an account in a region; `tell` is given a line for each step.

    `client` is boto3's for CloudFormation. Methods raise `GristmillError`.
    """

    def __init__(self, client: Any, tell: Callable[[str], None], poll: float = 2.0) -> None:
        self._client = client
        self._tell = tell
        self._poll = poll

    def find(self, name: str) -> dict[str, Any] | None:
        """A stack as it is, None where there is none or where it holds nothing yet.

        Raises `BusyError` where somebody is changing it.
        """
        found = self._describe(name)
        if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        if found["StackStatus"] == "ROLLBACK_COMPLETE":
            # What has failed from the start cannot be changed, and there is nothing in it.
            self._tell(f"removing what an earlier attempt left of the stack {name}")
            with explained(f"delete stack {name}"):
                self._client.delete_stack(StackName=found["StackId"])
            if (status := self._wait(found["StackId"])) != "DELETE_COMPLETE":
                raise GristmillError(f"stack {name} is {status}: delete it, then deploy again")
            return None
        if found["StackStatus"].endswith("_IN_PROGRESS"):
            raise BusyError(
                f"stack {name} is {found['StackStatus']}: wait until that is done, "
                "then deploy again"
            )
        return found

    def apply(self, request: Mapping[str, Any]) -> bool:
        """Make a change set and carry it out; whether there was anything to change.

        Raises `GristmillError` with the first reason where CloudFormation rolls back.
        """
        name, change_set = request["StackName"], request["ChangeSetName"]
        created = self._create(request)
        stack, identity = created["StackId"], created["Id"]
        while True:
            with explained(f"look at the change of stack {name}"):
                found = self._client.describe_change_set(ChangeSetName=identity, StackName=stack)
            if found["Status"] == "CREATE_COMPLETE":
                break
            if found["Status"] == "FAILED":
                reason = found.get("StatusReason", "")
                with explained(f"drop the change of stack {name}"):
                    self._client.delete_change_set(ChangeSetName=identity, StackName=stack)
                if any(known in reason for known in _NOTHING):
                    return False
                raise UsageError(f"CloudFormation refuses the change {change_set}: {reason}")
            time.sleep(self._poll)
        changes = found.get("Changes", [])
        self._tell(f"stack {name}: {len(changes)} resources to make or change")
        self._carry_out(name, stack, identity)
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """A stack's outputs."""
        found = self._describe(name)
        if found is None:
            raise GristmillError(f"stack {name} is gone: deploy again")
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def _describe(self, name: str) -> dict[str, Any] | None:
        with explained(f"look at stack {name}"):
            try:
                found: dict[str, Any] = self._client.describe_stacks(StackName=name)["Stacks"][0]
            except ClientError as error:
                if "does not exist" in str(error):
                    return None
                raise
        return found

    def _create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with explained(f"change stack {request['StackName']}"):
            try:
                created: dict[str, Any] = self._client.create_change_set(**request)
            except self._client.exceptions.AlreadyExistsException:
                # Of an attempt that was cut off.
                both = {key: request[key] for key in ("ChangeSetName", "StackName")}
                self._client.delete_change_set(**both)
                created = self._client.create_change_set(**request)
        return created

    def _carry_out(self, name: str, stack: str, change_set: str) -> None:
        with explained(f"change stack {name}"):
            newest = self._client.describe_stack_events(StackName=stack)["StackEvents"][:1]
            self._client.execute_change_set(ChangeSetName=change_set, StackName=stack)
        last = newest[0]["EventId"] if newest else ""
        failures: list[str] = []

        def follow() -> None:
            nonlocal last
            for event in self._events_since(stack, last):
                last = event["EventId"]
                resource, status = event["LogicalResourceId"], event.get("ResourceStatus", "")
                if event.get("PhysicalResourceId") == stack or status.endswith("_IN_PROGRESS"):
                    continue
                self._tell(f"  {resource}: {status.lower().replace('_', ' ')}")
                reason = event.get("ResourceStatusReason", "")
                if status.endswith("_FAILED") and "cancelled" not in reason:
                    failures.append(f"{resource}: {reason}")

        status = self._wait(stack, follow)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            why = failures[0] if failures else "CloudFormation gives no reason"
            raise GristmillError(
                f"stack {name} is {status}, so all is as it was before. {why}. "
                "Put that right, then deploy again"
            )

    def _wait(self, stack: str, follow: Callable[[], None] = lambda: None) -> str:
        """The status in which a stack comes to rest. By its id a deleted one is found too."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            found = self._describe(stack)
            follow()
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                return str(status)
            if time.monotonic() > deadline:
                raise GristmillError(
                    f"stack {stack} is {status} after an hour; CloudFormation goes on: "
                    "deploy again once it is done"
                )
            time.sleep(self._poll)

    def _events_since(self, stack: str, last: str) -> list[dict[str, Any]]:
        """The events after the one named `last`, oldest first."""
        new: list[dict[str, Any]] = []
        with explained(f"follow stack {stack}"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack)
            for event in (event for page in pages for event in page["StackEvents"]):
                if event["EventId"] == last:
                    break
                new.append(event)
        return new[::-1]

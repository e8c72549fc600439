"""Applications of EMR Serverless, as what runs go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gristmill.emr import applications
from gristmill.emr.aws import Aws
from gristmill.emr.package import Shipped
from gristmill.emr.requests import Request
from gristmill.emr.requests.serverless import create_application, start_job_run
from gristmill.emr.runners.serverless import ServerlessRunner, find_application
from gristmill.emr.runners.steps import Ask
from gristmill.emr.specs.serverless import ServerlessSpec
from gristmill.emr.targets.target import Confirm, NotUpError, Target, Tell
from gristmill.errors import UsageError
from gristmill.runs import Runner


@dataclass(frozen=True)
class ServerlessTarget(Target):
    """An application that is there: runs are its job runs."""

    spec: ServerlessSpec
    operation = "StartJobRun"
    placeholder = "<application>"

    def find(self, aws: Aws, tell: Tell, *, with_requirements: bool) -> str:
        """The id of the application. Raises `UsageError` where it is not up, or of another
        architecture than what is shipped."""
        name = self.spec.name
        found = find_application(aws, self.spec)
        if found is None:
            raise NotUpError(f"{name} is not up: gristmill emr up --cluster {name}")
        for one in applications.drift(aws, self.spec, found):
            said = f"{found} is not what its spec says: {one}"
            how = f"gristmill emr up --update --cluster {name} changes it"
            if one.part == "architecture" and with_requirements:
                raise UsageError(f"{said}; dependencies are built for the spec's: {how}")
            tell(f"note: {said}; {how}")
        return found

    def ask(self, shipped: Shipped, target: str) -> Ask:
        """What makes the request of a run."""
        return partial(start_job_run, self.spec, target, shipped)

    def runner(self, aws: Aws, ask: Ask, target: str) -> Runner:
        """What looks after runs there."""
        return ServerlessRunner(aws, self.spec.logs, ask, target)

    def plan_up(self) -> Mapping[str, Request]:
        """The request that `up` would make, by its name."""
        return {"CreateApplication": create_application(self.spec)}

    def up(self, aws: Aws, tell: Tell, *, update: bool) -> str:
        """Make the application, if it is not there, or change it; gives its id."""
        return applications.up(aws, self.spec, tell, update=update)

    def down(self, aws: Aws, confirm: Confirm, tell: Tell, *, force: bool, delete: bool) -> str:
        """Stop the application, or delete it; gives what has been done."""
        found = applications.down(aws, self.spec, confirm, tell, force=force, delete=delete)
        if found is None:
            return f"{self.spec.name} is not up"
        return f"deleted {found}" if delete else f"asked that {found} stop"

    def drift(self, aws: Aws) -> Sequence[str]:
        """Where the application is not what its spec says."""
        found = find_application(aws, self.spec)
        if found is None:
            return ()
        differences = applications.drift(aws, self.spec, found)
        return [f"{found} is not what its spec says: {one}" for one in differences]

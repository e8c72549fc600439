"""The clusters and applications that are there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gristmill.emr.aws import Aws, explained
from gristmill.emr.runners.transient import clusters
from gristmill.emr.targets.cluster import LIVE


@dataclass(frozen=True)
class Deployment:
    """A cluster or an application that is there: `since` is when it was made, UTC."""

    name: str
    id: str
    kind: str
    state: str
    since: datetime


def deployments(aws: Aws) -> list[Deployment]:
    """All clusters and applications of ours that are there."""
    found = [
        Deployment(
            cluster["Name"].removeprefix("gristmill "),
            cluster["Id"],
            "cluster",
            cluster["Status"]["State"],
            cluster["Status"]["Timeline"]["CreationDateTime"].astimezone(UTC),
        )
        for cluster in clusters(aws, ClusterStates=[*LIVE, "TERMINATING"])
        if cluster["Name"].startswith("gristmill ")
    ]
    with explained("list the applications of EMR Serverless"):
        pages = aws.serverless.get_paginator("list_applications").paginate()
        listed: list[dict[str, Any]] = [
            application for page in pages for application in page["applications"]
        ]
    return found + [
        Deployment(
            application["name"].removeprefix("gristmill-"),
            application["id"],
            "serverless",
            application["state"],
            application["createdAt"].astimezone(UTC),
        )
        for application in listed
        if application["name"].startswith("gristmill-") and application["state"] != "TERMINATED"
    ]

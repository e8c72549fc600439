"""EMR's operations on what clusters are made with: releases and security configurations."""

import json
import time
from typing import Any

from simulator.emr.state import Account, page
from simulator.errors import InvalidRequest
from simulator.releases import RELEASES

Parameters = dict[str, Any]
Answer = dict[str, Any]


def list_release_labels(account: Account, asked: Parameters) -> Answer:  # noqa: ARG001
    filters = asked.get("Filters", {})
    name, _, version = filters.get("Application", "").partition("-")
    labels = [
        label
        for label, release in RELEASES.items()
        if label.startswith(filters.get("Prefix", ""))
        and (not name or name.lower() in map(str.lower, release.applications))
        and (not version or release.applications.get("Spark", "").startswith(version))
    ]
    start = int(asked.get("NextToken", 0))
    end = start + asked.get("MaxResults", len(labels) or 1)
    return {
        "ReleaseLabels": labels[start:end],
        **({"NextToken": str(end)} if end < len(labels) else {}),
    }


def describe_release_label(account: Account, asked: Parameters) -> Answer:  # noqa: ARG001
    label = asked.get("ReleaseLabel", next(iter(RELEASES)))
    if label not in RELEASES:
        raise InvalidRequest(f"Release label '{label}' is not valid.")
    applications = [
        {"Name": name, "Version": version} for name, version in RELEASES[label].applications.items()
    ]
    return {"ReleaseLabel": label, "Applications": applications}


def create_security_configuration(account: Account, asked: Parameters) -> Answer:
    name, text = asked["Name"], asked["SecurityConfiguration"]
    if name in account.security:
        raise InvalidRequest(f"SecurityConfiguration with name '{name}' already exists.")
    try:
        is_object = isinstance(json.loads(text), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise InvalidRequest("SecurityConfiguration is not a JSON object.")
    account.security[name] = text, time.time()
    return {"Name": name, "CreationDateTime": account.security[name][1]}


def describe_security_configuration(account: Account, asked: Parameters) -> Answer:
    name = asked["Name"]
    text, created = _security(account, name)
    return {"Name": name, "SecurityConfiguration": text, "CreationDateTime": created}


def list_security_configurations(account: Account, asked: Parameters) -> Answer:
    shown, marker = page(sorted(account.security), asked, str)
    found = [{"Name": name, "CreationDateTime": account.security[name][1]} for name in shown]
    return {"SecurityConfigurations": found, **marker}


def delete_security_configuration(account: Account, asked: Parameters) -> Answer:
    _security(account, asked["Name"])
    del account.security[asked["Name"]]
    return {}


def _security(account: Account, name: str) -> tuple[str, float]:
    if name not in account.security:
        raise InvalidRequest(f"Security configuration with name '{name}' does not exist.")
    return account.security[name]

"""The CloudFormation template of a state machine and its role."""

import json
from collections.abc import Mapping
from typing import Any

from gristmill.errors import UsageError
from gristmill.workflow.definition.states import Machine
from gristmill.workflow.deployment.permissions import Permission, permissions

_ASSUME = "sts:AssumeRole"


def template(name: str, text: str, machine: Machine, *, is_express: bool = False) -> dict[str, Any]:
    """A template whose stack is the state machine, with its definition as the file has it.

    Raises `UsageError` for an integration whose permissions are not known, or that AWS has not.
    """
    try:
        needed = permissions(machine, name)
    except LookupError as error:
        raise UsageError(f"{error}: write the template by hand, from --template") from error
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The state machine {name}, and a role that may do what it does",
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "states.amazonaws.com"},
                                "Action": _ASSUME,
                                "Condition": {
                                    "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
                                },
                            }
                        ],
                    },
                    **_policies(needed),
                },
            },
            "StateMachine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": name,
                    "StateMachineType": "EXPRESS" if is_express else "STANDARD",
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "DefinitionString": text,
                },
            },
        },
        "Outputs": {
            "StateMachineArn": {"Value": {"Ref": "StateMachine"}},
            "RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        },
    }


def _policies(needed: list[Permission]) -> Mapping[str, Any]:
    if not needed:
        return {}
    statements = [_statement(one, actions) for one, actions in _grouped(needed).items()]
    document = {"Version": "2012-10-17", "Statement": statements}
    return {"Policies": [{"PolicyName": "what-it-does", "PolicyDocument": document}]}


def _grouped(needed: list[Permission]) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in needed:
        found.setdefault((one.on, one.passed_to), []).append(one.action)
    return found


def _statement(about: tuple[str, tuple[str, ...]], actions: list[str]) -> dict[str, Any]:
    on, passed_to = about
    resource: Any = {"Fn::Sub": on} if "${AWS::" in on else on
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
    if passed_to:
        statement["Condition"] = {"StringEquals": {"iam:PassedToService": list(passed_to)}}
    return statement


def to_json(made: Mapping[str, Any]) -> str:
    """As it is written into a file."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"

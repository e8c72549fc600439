"""A CloudFormation template as CloudFormation would have it: its parameters filled in, its
functions worked out. Only what the template of this project uses; anything else is an error.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import load

ACCOUNT, REGION = "111122223333", "eu-central-1"
_NO_VALUE = object()


def read(path: Path) -> dict[str, Any]:
    """A template, its short forms (`!Ref x`) written out (`{"Ref": "x"}`)."""
    template: dict[str, Any] = load(str(path))
    return template


class Stack:
    """A template with values for its parameters.

    `attributes` has what CloudFormation would know once a resource is made, by `Name` for what Ref
    gives and by `Name.Attribute` for the rest.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        attributes: Mapping[str, str],
    ) -> None:
        self._template = template
        self._known: dict[str, Any] = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": "gristmill",
            "AWS::URLSuffix": "amazonaws.com",
        }
        for name, declared in template["Parameters"].items():
            value = str(parameters.get(name, declared.get("Default")))
            is_list = "List" in declared["Type"]
            self._known[name] = value.split(",") if is_list else value
        self._known |= attributes

    def properties(self, name: str) -> Any:
        """The properties of a resource."""
        return self.worked_out(self._template["Resources"][name]["Properties"])

    def outputs(self) -> dict[str, str]:
        """The outputs, by name."""
        found = self._template["Outputs"].items()
        return {name: str(self.worked_out(output["Value"])) for name, output in found}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template does."""
        return bool(self.worked_out(self._template["Conditions"][condition]))

    def worked_out(self, value: Any) -> Any:
        """`value` without functions."""
        if isinstance(value, dict):
            function = next(iter(value), "")
            if len(value) == 1 and (function == "Ref" or function.startswith("Fn::")):
                return self._call(function, value[function])
            found = {key: self.worked_out(one) for key, one in value.items()}
            return {key: one for key, one in found.items() if one is not _NO_VALUE}
        if isinstance(value, list):
            return [one for one in map(self.worked_out, value) if one is not _NO_VALUE]
        return value

    def _call(self, function: str, given: Any) -> Any:
        found: Any
        match function:
            case "Ref":
                found = self._known[given]
            case "Fn::GetAtt":
                found = self._known[given if isinstance(given, str) else ".".join(given)]
            case "Fn::Sub":
                text, extra = (given, {}) if isinstance(given, str) else given
                known = self._known | self.worked_out(extra)
                found = re.sub(r"\$\{([^!}]+)\}", lambda name: str(known[name[1]]), text)
            case "Fn::Split":
                found = self.worked_out(given[1]).split(given[0])
            case "Fn::Join":
                found = given[0].join(self.worked_out(given[1]))
            case "Fn::If":
                found = self.worked_out(given[1 if self.holds(given[0]) else 2])
            case "Fn::Equals":
                found = self.worked_out(given[0]) == self.worked_out(given[1])
            case "Fn::Not":
                found = not self.worked_out(given[0])
            case _:
                raise NotImplementedError(function)
        return found

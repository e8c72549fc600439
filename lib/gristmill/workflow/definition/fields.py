"""Which fields each state may have, in each of the two languages.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html and
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html.
"""

from collections.abc import Mapping

_ALL = {"Type", "Comment", "QueryLanguage"}
_GOES_ON = {"Next", "End"}
_WORKING = {"Retry", "Catch", "Assign"}
_PATHS = {"InputPath", "OutputPath"}
_RESULT = {"ResultPath", "ResultSelector", "Parameters"}
_MAP = {
    "ItemProcessor",
    "Iterator",
    "ItemReader",
    "ItemSelector",
    "ItemBatcher",
    "MaxConcurrency",
    "ToleratedFailurePercentage",
    "ToleratedFailureCount",
    "ResultWriter",
    "Label",
}
_MAP_PATHS = {
    "ItemsPath",
    "MaxConcurrencyPath",
    "ToleratedFailurePercentagePath",
    "ToleratedFailureCountPath",
}

JSONPATH: Mapping[str, frozenset[str]] = {
    "Task": frozenset(
        _ALL
        | _GOES_ON
        | _WORKING
        | _PATHS
        | _RESULT
        | {"Resource", "Credentials", "TimeoutSeconds", "HeartbeatSeconds"}
        | {"TimeoutSecondsPath", "HeartbeatSecondsPath"}
    ),
    "Parallel": frozenset(_ALL | _GOES_ON | _WORKING | _PATHS | _RESULT | {"Branches"}),
    "Map": frozenset(_ALL | _GOES_ON | _WORKING | _PATHS | _RESULT | _MAP | _MAP_PATHS),
    "Pass": frozenset(_ALL | _GOES_ON | _PATHS | {"Parameters", "Result", "ResultPath", "Assign"}),
    "Wait": frozenset(
        _ALL
        | _GOES_ON
        | _PATHS
        | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Assign"}
    ),
    "Choice": frozenset(_ALL | _PATHS | {"Choices", "Default", "Assign"}),
    "Succeed": frozenset(_ALL | _PATHS),
    "Fail": frozenset(_ALL | {"Error", "ErrorPath", "Cause", "CausePath"}),
}
JSONATA: Mapping[str, frozenset[str]] = {
    "Task": frozenset(
        _ALL
        | _GOES_ON
        | _WORKING
        | {"Resource", "Credentials", "TimeoutSeconds", "HeartbeatSeconds"}
        | {"Arguments", "Output"}
    ),
    "Parallel": frozenset(_ALL | _GOES_ON | _WORKING | {"Branches", "Arguments", "Output"}),
    "Map": frozenset(_ALL | _GOES_ON | _WORKING | _MAP | {"Items", "Output"}),
    "Pass": frozenset(_ALL | _GOES_ON | {"Output", "Assign"}),
    "Wait": frozenset(_ALL | _GOES_ON | {"Seconds", "Timestamp", "Output", "Assign"}),
    "Choice": frozenset(_ALL | {"Choices", "Default", "Output", "Assign"}),
    "Succeed": frozenset(_ALL | {"Output"}),
    "Fail": frozenset(_ALL | {"Error", "Cause"}),
}
TYPES = tuple(JSONPATH)
"""The eight states."""

OPERATORS = frozenset(
    {
        *(
            f"{kind}{test}{path}"
            for kind in ("String", "Numeric", "Timestamp")
            for test in (
                "Equals",
                "LessThan",
                "GreaterThan",
                "LessThanEquals",
                "GreaterThanEquals",
            )
            for path in ("", "Path")
        ),
        "BooleanEquals",
        "BooleanEqualsPath",
        "StringMatches",
        "IsNull",
        "IsPresent",
        "IsNumeric",
        "IsString",
        "IsBoolean",
        "IsTimestamp",
    }
)
"""What a rule of a choice may compare by, in JSONPath."""

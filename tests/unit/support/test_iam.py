"""The evaluator that policies are tested with: IAM's rules, each by itself."""

from typing import Any

import pytest

from tests.support.iam import Call, is_allowed


def policy(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Version": "2012-10-17", "Statement": list(statements)}]


ALLOW = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a/?/*"}
GET = Call("s3:GetObject", "arn:aws:s3:::a/b/c/d")


@pytest.mark.parametrize(
    ("statements", "call", "allowed"),
    [
        ([ALLOW], GET, True),
        ([], GET, False),
        ([ALLOW], Call("S3:getobject", GET.resource), True),
        ([ALLOW], Call("s3:PutObject", GET.resource), False),
        ([ALLOW], Call("s3:GetObject", "arn:aws:s3:::A/b/c"), False),
        ([ALLOW], Call("s3:GetObject", "arn:aws:s3:::a/bb/c"), False),
        ([ALLOW, ALLOW | {"Effect": "Deny"}], GET, False),
        ([ALLOW, ALLOW | {"Effect": "Deny", "Action": "s3:Put*"}], GET, True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], GET, True),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], GET, False),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}], GET, True),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a/*"}], GET, False),
    ],
)
def test_actions_and_resources(statements: list[Any], call: Call, allowed: bool) -> None:
    assert is_allowed(policy(*statements), call) == allowed


ROLE = "arn:aws:iam::111122223333:role/one"


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"k": "v"}}, {"K": "v"}, True),
        ({"StringEquals": {"k": "v"}}, {"k": "V"}, False),
        ({"StringEquals": {"k": "v"}}, {}, False),
        ({"StringEquals": {"k": ["u", "v"]}}, {"k": "v"}, True),
        ({"StringEquals": {"k": "v", "l": "w"}}, {"k": "v"}, False),
        ({"StringEquals": {"k": "v"}, "StringLike": {"l": "*"}}, {"k": "v"}, False),
        ({"StringEqualsIfExists": {"k": "v"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "v"}}, {"k": "w"}, False),
        ({"StringNotEquals": {"k": ["u", "v"]}}, {"k": "v"}, False),
        ({"StringNotEquals": {"k": "v"}}, {}, True),
        ({"StringLike": {"k": "a*"}}, {"k": "ab"}, True),
        ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": "v"}, False),
        ({"Bool": {"k": "false"}}, {"k": "false"}, True),
        ({"ArnEquals": {"k": ROLE}}, {"k": ROLE}, True),
        ({"ArnLike": {"k": "arn:aws:iam::*:role/*"}}, {"k": ROLE}, True),
        ({"ArnLike": {"k": "arn:*:role/one"}}, {"k": ROLE}, False),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, str], allowed: bool) -> None:
    statement = ALLOW | {"Condition": condition}
    assert is_allowed(policy(statement), Call(GET.action, GET.resource, context)) == allowed


def test_principals() -> None:
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"})
    assert is_allowed(trust, Call("sts:AssumeRole", principal=ROLE))
    assert not is_allowed(trust, Call("sts:AssumeRole", principal=ROLE + "2"))


@pytest.mark.parametrize(
    "odd",
    [{"NotPrincipal": "*"}, {"Condition": {"DateLessThan": {"k": "v"}}}, {"Effect": "Perhaps"}],
)
def test_what_it_does_not_know_is_no_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        is_allowed(policy(ALLOW | odd), GET)

"""Secrets are hidden in what is shown, and nothing else is."""

from typing import Any

import pytest

from gristmill.emr.redact import HIDDEN, redact, redact_text
from gristmill.runs.encoded import decode, encode


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            ["--db-password", "hunter2", "--input", "s3://a"],
            ["--db-password", HIDDEN, "--input", "s3://a"],
        ),
        (["--password=hunter 2"], [f"--password={HIDDEN}"]),
        (["--passphrase", "hunter2"], ["--passphrase", HIDDEN]),
        (["--private-key=abc"], [f"--private-key={HIDDEN}"]),
        (
            {"sparkSubmitParameters": "--conf 'spark.x.password=hunter 2' --conf a=b"},
            {"sparkSubmitParameters": f"--conf 'spark.x.password={HIDDEN}' --conf a=b"},
        ),
        (["--password=hunter2"], [f"--password={HIDDEN}"]),
        (["spark.hadoop.fs.s3a.secret.key=abc"], [f"spark.hadoop.fs.s3a.secret.key={HIDDEN}"]),
        (["spark.hadoop.fs.s3a.access.key=abc"], [f"spark.hadoop.fs.s3a.access.key={HIDDEN}"]),
        ("--conf spark.x.token=abc --conf a=b", f"--conf spark.x.token={HIDDEN} --conf a=b"),
        ("AKIAIOSFODNN7EXAMPLE", HIDDEN),
        ("jdbc:postgresql://me:hunter2@host/db", f"jdbc:postgresql://me:{HIDDEN}@host/db"),
        ({"Properties": {"ApiKey": "abc", "b": 1}}, {"Properties": {"ApiKey": HIDDEN, "b": 1}}),
        ({"KdcAdminPassword": "abc"}, {"KdcAdminPassword": HIDDEN}),
    ],
)
def test_what_looks_like_a_secret_is_hidden(given: Any, shown: Any) -> None:
    assert redact(given) == shown


@pytest.mark.parametrize(
    "given",
    [
        ["--input", "s3://bucket/key", "--output", "s3://out"],
        {"clientToken": "gristmill-20261121T231500Z-1a2b3c4d"},
        ["--tokenizer", "words", "--min-count=3"],
        ["--db-secret=arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-1"],
        {"SecurityConfiguration": "gristmill", "n": 3, "on": True, "none": None},
        "https://example.org/path?a=b",
    ],
)
def test_what_is_no_secret_is_shown(given: Any) -> None:
    assert redact(given) == given


def test_secrets_among_encoded_arguments_are_hidden_and_the_rest_stays_to_the_letter() -> None:
    plain = encode(["word-count", "--input", "s3://a/{{b}}", ""])
    assert redact(["entry.py", plain]) == ["entry.py", plain]
    (hidden,) = redact([encode(["word-count", "--db-password", "hunter2"])])
    assert decode(hidden) == ["word-count", "--db-password", HIDDEN]


def test_a_log_is_shown_without_secrets() -> None:
    packed = encode(["word-count", "--db-password", "hunter2"])
    text = f"""INFO Arguments: --db-password hunter2 --input s3://a/b --tokenizer words
        args: ['--api-key', 'hunter2', '--corpus', 'x'] {packed}
        spark.hadoop.fs.s3a.secret.key=hunter2 jdbc:postgresql://me:hunter2@host/db"""
    shown = redact_text(text)
    assert "hunter2" not in shown
    assert packed not in shown
    for kept in ("--input s3://a/b", "--tokenizer words", "'--corpus', 'x'", "@host/db"):
        assert kept in shown
    harmless = "--db-secret arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-1"
    assert redact_text(harmless) == harmless

"""Sample data made from a seed: logs of an invented shop and its AWS account, bills, and text."""

from pathlib import Path

from gristmill.sample.aws import write_aws
from gristmill.sample.billing import write_billing
from gristmill.sample.logs import write_logs
from gristmill.sample.text import write_texts

__all__ = ["write_samples"]


def write_samples(
    folder: Path,
    *,
    seed: int = 7,
    requests: int = 6000,
    words: int = 20000,
    aws: int = 0,
    billing: int = 0,
) -> list[Path]:
    """Write access logs to `folder`/logs and text to `folder`/text; return the paths in order.

    `requests` is the number of log lines over all days, malformed ones included, and `words` the
    number of words over all texts. With `aws` so many lines of each of AWS's log formats go to a
    folder each in `folder`/aws; with `billing` cost exports of so many lines of usage each go to
    `folder`/billing. The same arguments give the same data on every machine.
    What is written is made as it is written: no more than a minute of requests is held in memory.
    """
    return [
        *write_logs(folder / "logs", seed=seed, requests=requests),
        *write_texts(folder / "text", seed=seed, words=words),
        *(write_aws(folder / "aws", seed=seed, lines=aws) if aws else ()),
        *(write_billing(folder / "billing", seed=seed, usage=billing) if billing else ()),
    ]

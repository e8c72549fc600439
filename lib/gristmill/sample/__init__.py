"""Sample data made from a seed: logs and bills of an invented shop, words, meter readings."""

from pathlib import Path

from gristmill.sample.aws import write_aws
from gristmill.sample.billing import write_billing
from gristmill.sample.logs import write_logs
from gristmill.sample.text import write_texts
from gristmill.sample.utility import write_utility

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
    """Write samples to `folder`/logs, /text and /utility; return the paths in order.

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
        *write_utility(folder / "utility", seed=seed),
        *(write_billing(folder / "billing", seed=seed, usage=billing) if billing else ()),
    ]

"""Sample data made from a seed: access logs of an invented shop, text in invented words, and what
a cloud charges an invented company."""

from pathlib import Path

from gristmill.sample.billing import write_billing
from gristmill.sample.logs import write_logs
from gristmill.sample.text import write_texts

__all__ = ["write_samples"]


def write_samples(
    folder: Path, *, seed: int = 7, requests: int = 6000, words: int = 20000, billing: int = 0
) -> list[Path]:
    """Write access logs to `folder`/logs and text to `folder`/text; return the paths in order.

    Where `billing` is above 0, cost exports with so many lines of usage go to `folder`/billing.
    `requests` is the number of log lines over all days, malformed ones included, and `words` the
    number of words over all texts. The same arguments give the same data on every machine.
    What is written is made as it is written: no more than a minute of requests is held in memory.
    """
    return [
        *write_logs(folder / "logs", seed=seed, requests=requests),
        *write_texts(folder / "text", seed=seed, words=words),
        *(write_billing(folder / "billing", seed=seed, usage=billing) if billing else ()),
    ]

"""`%load_ext gristmill`: a notebook with Spark ready, and a link to what that is doing."""

from html import escape
from typing import Any

from gristmill.spark.session import session


class SparkReady:
    """A session of Spark; Jupyter shows where its own pages are."""

    def __init__(self, spark: Any) -> None:
        self.spark = spark

    def __repr__(self) -> str:
        return f"spark is ready: Spark {self.spark.version}, {self.spark.sparkContext.uiWebUrl}"

    def _repr_html_(self) -> str:
        url = escape(str(self.spark.sparkContext.uiWebUrl), quote=True)
        return (
            f"<p><code>spark</code> is ready: Spark {escape(self.spark.version)}, "
            f'<a href="{url}" target="_blank" rel="noopener">what it is doing</a></p>'
        )


def load_ipython_extension(shell: Any) -> None:
    """Start Spark as the variable `spark` of an IPython shell: `gristmill.run` uses it, too.

    Raises `GristmillError` where there is no Java for it.
    """
    ready = SparkReady(session("notebook", {"spark.ui.enabled": "true"}, quiet=True))
    shell.push({"spark": ready.spark})
    import IPython.display  # noqa: PLC0415  who calls this has it

    show: Any = IPython.display.display
    show(ready)

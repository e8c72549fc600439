"""The releases of EMR that the simulator knows: what is in them, and which Pythons.

From AWS's release guide, as of November 2026. Versions that it does not say are left empty.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A release: its applications with their versions, and its Pythons, the default one first."""

    label: str
    applications: dict[str, str]
    pythons: tuple[str, ...]


_EIGHT = dict.fromkeys(("Delta", "Hudi", "Iceberg", "JupyterEnterpriseGateway", "Livy"), "")
_SEVEN = dict.fromkeys(
    ("Delta", "Hadoop", "HCatalog", "Hive", "Hudi", "Iceberg", "Livy", "Trino"), ""
)

RELEASES = {
    release.label: release
    for release in (
        Release("emr-spark-8.1.0", {"Spark": "4.1.1", **_EIGHT}, ("3.11", "3.13")),
        Release("emr-spark-8.0.0", {"Spark": "4.0.2", **_EIGHT}, ("3.11", "3.12", "3.13")),
        *(
            Release(f"emr-7.{minor}.0", {"Spark": "3.5", **_SEVEN}, ("3.9", "3.11"))
            for minor in range(14, -1, -1)
        ),
    )
}
"""The releases by their labels, the newest first."""

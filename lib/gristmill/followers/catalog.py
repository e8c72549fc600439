"""The tables of an output in the AWS Glue Data Catalog."""

from gristmill.emr.aws import Aws
from gristmill.emr.glue import Registered, Wanted, register
from gristmill.errors import UsageError
from gristmill.outputs.described import described
from gristmill.outputs.output import open as open_datasets
from gristmill.publish.locations import open_output
from gristmill.publish.state import read_state


def registered(
    place: str, database: str, region: str | None, location: str | None = None
) -> list[Registered]:
    """Make the tables of an output in a database, or bring them up to date; gives what became of
    each. Raises `GristmillError`."""
    return register(Aws(region), database, wanted_tables(place, location))


def wanted_tables(named: str, location: str | None) -> list[Wanted]:
    """The tables of an output, as they are to be; `location` is where in S3 it will be, if it is
    not there. Raises `GristmillError`."""
    output = open_datasets(named)
    place = (location or output.uri).rstrip("/")
    if not place.startswith(("s3://", "s3a://")):
        raise UsageError("Glue's tables lie in S3: --location s3://… says where the output will be")
    number = read_state(open_output(named)).number
    return [
        Wanted(
            described(output, name, place),
            place,
            number,
            output[name].rows,
            output[name].bytes,
            len(output[name].files),
        )
        for name in output
    ]

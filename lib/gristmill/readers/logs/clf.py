"""The time of the common log format: `25/Nov/2026:10:00:00 +0000`.

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html, `%t`. S3 writes it too.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.readers.logs.format import with_leap_second

_FORM = "dd/MMM/yyyy:HH:mm:ss Z"
LENGTH = 26
SHAPE = r"[0-9]{2}/[A-Z][a-z]{2}/(?!0000)[0-9]{4}(?::[0-9]{2}){3} [+-][0-9]{4}"
"""For Java and Python: how it looks. Java has a year 0, and would take years of more digits."""


def time(text: Column) -> Column:
    """A time as a timestamp, null where there is none such; a leap second as the format has it."""
    plain = F.try_to_timestamp(text, F.lit(_FORM))
    leap = F.try_to_timestamp(F.replace(text, F.lit(":60 "), F.lit(":59 ")), F.lit(_FORM))
    return F.when(text.rlike(rf"^{SHAPE}\z"), with_leap_second(text, ":60 ", plain, leap))

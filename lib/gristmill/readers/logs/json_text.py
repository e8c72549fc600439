"""JSON in columns of text: read strictly, and objects that stand behind each other told apart."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
"""Without what Spark allows that is not JSON."""

# Noncharacters (Unicode 16, 23.7), free for private use while a text is being taken apart.
LEFT, RIGHT = "\ufdd0", "\ufdd1"
STRING = r'"(?:[^"\\]++|\\.)*+"'
"""For Java: a string of JSON."""


def with_object(lines: DataFrame, text: Column, fields: str) -> DataFrame:
    """`lines` with `_object`, what a text is as a struct; null where it is no JSON object."""
    # Inside another, and with more behind: Spark would not look at what follows the object.
    inside = F.concat(F.lit('{"object":'), text, F.lit(',"end":0}'))
    # It gives what it could read of broken JSON, too, but then says so in the last column.
    columns = f"object struct<{fields}>, end string, _corrupt_record string"
    # A column of its own: inside the condition Spark would read the JSON once more.
    found = lines.withColumn("_found", F.from_json(inside, columns, STRICT))
    is_whole = F.col("_found._corrupt_record").isNull() & F.col("_found.end").isNotNull()
    return found.withColumn("_object", F.when(is_whole, F.col("_found.object"))).drop("_found")


def with_commas(text: Column) -> Column:
    """Objects that stand behind each other, with commas between them."""
    between = F.regexp_replace(text, rf"({STRING})|(?<=\}})(\s*+)(?=\{{)", f"$1{LEFT}$2{RIGHT}")
    between = F.regexp_replace(between, rf'(?<="){LEFT}{RIGHT}', "")
    return F.regexp_replace(between, f"{LEFT}\\s*+{RIGHT}", ",")

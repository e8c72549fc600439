"""Classes of Spark's Java, by name."""

from typing import Any

from py4j.java_gateway import JavaClass


def java_class(jvm: Any, name: str) -> Any:
    """A class to call, by its full name; a nested one as `Outer$Inner`. `jvm` is `spark._jvm`.

    Written as `jvm.org.apache…`, each dot is a question that Java answers by a look through all
    its jars.
    """
    return JavaClass(name, jvm._gateway_client)

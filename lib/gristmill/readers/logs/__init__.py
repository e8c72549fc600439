"""Formats of logs, one module each: what it has as `FORMATS` can be read."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from gristmill.readers.logs.format import LogFormat


@cache
def formats() -> Mapping[str, LogFormat]:
    """All formats by name."""
    modules = pkgutil.iter_modules(__path__, f"{__name__}.")
    return {
        found.name: found
        for module in modules
        for found in getattr(import_module(module.name), "FORMATS", ())
    }

"""Logs in a layout: that of a server's configuration, or one that is known by its name."""

from gristmill.readers.logs.layout.named import FORMATS as FORMATS

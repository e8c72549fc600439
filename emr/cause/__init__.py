"""Why a run failed, from its logs: the probable cause in a few lines, and what to do about it."""

from gristmill.emr.cause.kinds import Cause, Kind
from gristmill.emr.cause.search import probable_cause

__all__ = ["Cause", "Kind", "probable_cause"]

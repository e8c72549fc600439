"""What becomes of a publication in which something has failed."""

import contextlib
from collections.abc import Iterator

from gristmill.errors import OutputError
from gristmill.publish.publication import Publication


@contextlib.contextmanager
def finished(publication: Publication) -> Iterator[None]:
    """Carry a publication out, or put it away, whatever happens inside.

    What happened is raised on, unless the publish is done all the same.
    """
    try:
        yield
    except BaseException as error:
        published = False
        # What cannot be settled now a later run will settle.
        with contextlib.suppress(Exception):
            published = publication.finish()
        if not published or isinstance(error, OutputError):
            raise

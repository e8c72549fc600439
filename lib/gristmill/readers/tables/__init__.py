"""Tables of one's own: rows of declared columns, and a reject for each that is not so."""

from gristmill.readers.tables.column import TableColumn as TableColumn
from gristmill.readers.tables.database import DatabaseReader as DatabaseReader
from gristmill.readers.tables.files import TableOptions as TableOptions
from gristmill.readers.tables.files import TableReader as TableReader

__all__ = ["DatabaseReader", "TableColumn", "TableOptions", "TableReader"]

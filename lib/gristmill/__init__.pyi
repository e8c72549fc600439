"""Types of the public API, which `__init__.py` loads when it is asked for."""

from gristmill.api.run import run as run
from gristmill.manager.submit import submit as submit
from gristmill.model.checks import Check as Check
from gristmill.model.dataset import Dataset as Dataset
from gristmill.model.dataset import Field as Field
from gristmill.model.job import ByDay as ByDay
from gristmill.model.job import Costs as Costs
from gristmill.model.job import Job as Job
from gristmill.model.job import Reader as Reader
from gristmill.model.job import Reading as Reading
from gristmill.model.options import Options as Options
from gristmill.model.options import option as option
from gristmill.model.progress import Progress as Progress
from gristmill.model.report import Report as Report
from gristmill.outputs.output import open as open
from gristmill.readers.published import DatasetReader as DatasetReader
from gristmill.readers.published import DatasetsReader as DatasetsReader
from gristmill.script.command import main as main

"""The old name of `files`, until everybody has taken the new one."""

from helpers.store.files import *  # noqa: F403
from helpers.store.run import NAMED, RECORD, resolve_run_dir  # noqa: F401

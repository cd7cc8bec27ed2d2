"""promproc, the toolkit for Prometheus multiprocess directories, as a Python package.

It brings the program itself and hooks for servers: ``promproc.gunicorn`` and ``promproc.celery``.
"""

import os
import shutil
import sys
import sysconfig
from typing import Iterator

__all__ = ["find_program"]


def find_program() -> str:
    """The path of the promproc program: the one installed with this package, else the one in PATH.

    Raises FileNotFoundError if there is none.
    """
    for directory in _script_directories():
        program = os.path.join(directory, "promproc")
        if os.path.isfile(program) and os.access(program, os.X_OK):
            return program
    program_in_path = shutil.which("promproc")
    if program_in_path is None:
        raise FileNotFoundError("promproc is neither beside {} nor in PATH".format(sys.executable))
    return program_in_path


def _script_directories() -> Iterator[str]:
    """Where pip puts programs: in the environment, for the user (--user), and beside a --target."""
    yield sysconfig.get_path("scripts")
    if "posix_user" in sysconfig.get_scheme_names():
        yield sysconfig.get_path("scripts", "posix_user")
    packages = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    yield os.path.join(packages, "bin")
    if sys.executable:
        yield os.path.dirname(sys.executable)

"""What the hooks have in common."""

import signal
import subprocess
from typing import Protocol, Sequence

from promproc import find_program


class Log(Protocol):
    """What a logger has: logging's, and gunicorn's own."""

    def error(self, __message: str, *arguments: object) -> None: ...

    def warning(self, __message: str, *arguments: object) -> None: ...


def run(arguments: Sequence[str], log: Log, timeout: float) -> None:
    """Runs promproc on the directory of PROMETHEUS_MULTIPROC_DIR.

    What it has to say goes to the log. Nothing is raised: a server must not fail because of its metrics.
    """
    try:
        _run(arguments, log, timeout)
    except Exception as error:
        log.error("promproc %s: %s", arguments[0], error)


def _run(arguments: Sequence[str], log: Log, timeout: float) -> None:
    # A server that waits for any child in its handler of SIGCHLD would take promproc for one of its
    # workers, and log its exit status as such.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        done = subprocess.run(
            [find_program(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    lines = done.stderr.decode(errors="replace").splitlines()
    if done.returncode != 0 and not lines:
        lines = ["promproc {}: exit status {}".format(arguments[0], done.returncode)]
    say = log.warning if done.returncode in (0, 1) else log.error
    for line in lines:
        say("%s", line)

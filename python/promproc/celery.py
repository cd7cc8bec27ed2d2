"""A hook for Celery's prefork pool. In the module that makes the Celery app:

    import promproc.celery

Each process that the pool starts, at first or in place of one that died, removes the live gauges of the
dead (promproc prune) from the directory of PROMETHEUS_MULTIPROC_DIR. What goes wrong is logged; nothing
is raised.
"""

import logging

from celery.signals import worker_process_init  # type: ignore[import-not-found,import-untyped,unused-ignore]

from promproc._hook import run

__all__ = ["prune"]

_LOG = logging.getLogger("promproc")


def prune(**_: object) -> None:
    """Removes the live gauges of dead processes."""
    # Celery gives a new process four seconds. Nobody else removes files here: there is nothing to wait for.
    run(["prune", "--settle", "0"], _LOG, timeout=3)


worker_process_init.connect(prune)

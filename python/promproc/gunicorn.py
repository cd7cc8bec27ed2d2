"""Hooks for gunicorn. In gunicorn.conf.py:

    from promproc.gunicorn import child_exit, on_starting

They work on the directory of PROMETHEUS_MULTIPROC_DIR, log what goes wrong, and raise nothing.
"""

from typing import Protocol

from promproc._hook import Log, run

__all__ = ["child_exit", "on_starting"]


class _Server(Protocol):
    """Of gunicorn's Arbiter, what the hooks need."""

    @property
    def log(self) -> Log: ...


class _Worker(Protocol):
    """Of a gunicorn Worker, what the hooks need."""

    @property
    def pid(self) -> int: ...


def on_starting(server: _Server) -> None:
    """Empties the directory before the first worker starts (promproc clean).

    With preload_app it comes too late: the master has metric files open already, and clean refuses. Then
    run promproc clean before gunicorn.
    """
    run(["clean"], server.log, timeout=10)


def child_exit(server: _Server, worker: _Worker) -> None:
    """Removes the live gauges of a worker that has ended (promproc prune)."""
    run(["prune", "--pid", str(worker.pid)], server.log, timeout=10)

"""A Celery app for tests/it/services.rs; the broker is a directory."""

import os

from celery import Celery
from prometheus_client import Counter, Gauge

import celery_metrics  # noqa: F401, as the recipe says

TASKS = Counter('tasks', 'Tasks done')
UP = Gauge('pool_processes', 'Processes that did a task', multiprocess_mode='livesum')

app = Celery(broker='filesystem://')
app.conf.broker_transport_options = {
    folder: 'queue' for folder in ('data_folder_in', 'data_folder_out', 'control_folder')
}


@app.task
def work(name):
    """Leaves a file that says which process did it."""
    TASKS.inc()
    UP.set(1)
    with open(os.path.join('done', name), 'w') as file:
        file.write(str(os.getpid()))

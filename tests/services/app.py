"""A service under gunicorn, for tests/it/services.rs: every kind of metric, and its own /metrics."""

import glob
import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Counter('app_requests', 'Requests by path', ['path'])
SECONDS = Histogram('app_request_seconds', 'Duration of requests')
BYTES = Summary('app_response_bytes', 'Size of responses')
GAUGES = [
    Gauge('app_' + mode, 'A gauge of the mode ' + mode, multiprocess_mode=mode)
    for mode in ('all', 'liveall', 'min', 'livemin', 'max', 'livemax', 'sum', 'mostrecent', 'livemostrecent')
]
WORKERS = Gauge('app_workers', 'Workers that are up', multiprocess_mode='livesum')
WORKERS.set(1)


class InOrderOfNames(MultiProcessCollector):
    """The client reads files in the order in which the system lists them, and the first file
    decides in which order families are printed; promproc reads them in the order of their names."""

    def collect(self):
        return self.merge(sorted(glob.glob(os.path.join(self._path, '*.db'))), accumulate=True)


def app(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/metrics':
        registry = CollectorRegistry()
        InOrderOfNames(registry)
        body = generate_latest(registry)
    else:
        body = str(os.getpid()).encode()
        REQUESTS.labels(path).inc()
        SECONDS.observe(len(path) / 10)
        BYTES.observe(len(body))
        for number, gauge in enumerate(GAUGES):
            gauge.set(os.getpid() + number)
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body]

"""The service whose directory `tests/data/gunicorn` is: a small shop, under gunicorn's sync workers."""

import os
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest, multiprocess

REQUESTS = Counter('http_requests_total', 'Requests that were answered', ['method', 'path', 'status'])
DURATION = Histogram(
    'http_request_duration_seconds',
    'Time to answer a request',
    ['method', 'path', 'status'],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
BODY = Summary('http_request_body_bytes', 'Size of the bodies of requests', ['method'])
IN_PROGRESS = Gauge('inprogress_requests', 'Requests under way', multiprocess_mode='livesum')
# With a label, a gauge has no file before it is used: few workers see the order and the report.
BASKET = {
    mode: Gauge('basket_items_' + mode, 'Items in the last basket, mode ' + mode, ['shop'], multiprocess_mode=mode)
    for mode in ('all', 'liveall', 'min', 'livemin', 'max', 'livemax', 'sum', 'mostrecent', 'livemostrecent')
}


def app(environ, start_response):
    method, path = environ['REQUEST_METHOD'], environ['PATH_INFO']
    if path == '/metrics':
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return answer(start_response, '200 OK', generate_latest(registry))
    with IN_PROGRESS.track_inprogress():
        start = time.perf_counter()
        body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
        status = serve(path, len(body))
        labels = (method, path, status.split()[0])
        DURATION.labels(*labels).observe(time.perf_counter() - start)
        REQUESTS.labels(*labels).inc()
        BODY.labels(method).observe(len(body))
    return answer(start_response, status, str(os.getpid()).encode())


def serve(path, size):
    """The status; some paths take part in the recording."""
    if path.startswith('/hang/'):
        # Says who it is and stays under way until it is killed or the recording is over.
        name = os.path.join(os.environ['HANGING'], path.rsplit('/', 1)[1])
        with open(name, 'w') as file:
            file.write(str(os.getpid()))
        while os.path.exists(name):
            time.sleep(0.01)
    elif path == '/basket':
        for mode in ('all', 'max', 'mostrecent'):
            BASKET[mode].labels('main street "3"').set(size)
    elif path == '/report':
        for gauge in BASKET.values():
            gauge.labels('main street "3"').set(size)
    elif path == '/missing':
        return '404 Not Found'
    return '200 OK'


def answer(start_response, status, body):
    start_response(status, [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])
    return [body]

"""Real processes that write metrics as fast as they can, until standard input ends.

    writers.py DIRECTORY

Two processes live as long as this one. Beside them short-lived ones come and go, in slots as uWSGI
has them: each goes on in the files of the one before, grows them past the first 64 KiB several
times, and its live gauges are removed when it has died.

Invariants that a reader can check: counters only grow; gauges are 1.5 or 2.5, except those named
`moment`, whose value is always the timestamp that is stored beside it; a series of the histogram
is only ever observed with 1.5.
"""
import itertools
import os
import sys
import threading
import time

os.environ['PROMETHEUS_MULTIPROC_DIR'] = sys.argv[1]

from prometheus_client import Counter, Gauge, Histogram, metrics, values  # noqa: E402
from prometheus_client.multiprocess import mark_process_dead  # noqa: E402

MODES = ('all', 'liveall', 'max', 'livemax', 'min', 'livemin', 'sum', 'livesum')


def write(series, until):
    counter = Counter('hits', 'Hits', ['series'])
    histogram = Histogram('size', 'Size', ['series'], buckets=(1, 2))
    gauges = [Gauge('level_' + mode, 'Level', multiprocess_mode=mode) for mode in MODES]
    moments = [Gauge('moment_' + mode, 'Moment', multiprocess_mode=mode) for mode in ('mostrecent', 'livemostrecent')]
    for gauge in gauges:
        gauge.set(1.5)
    i = 0
    while not until(i):
        # A label value of 200 bytes: 300 series are past 64 KiB.
        label = f'{i % series:0200d}'
        counter.labels(label).inc()
        histogram.labels(label).observe(1.5)
        for gauge in gauges:
            gauge.set(2.5 if i % 2 else 1.5)
        now = time.time()
        time.time, kept = lambda: now, time.time
        for moment in moments:
            moment.set(now)
        time.time = kept
        i += 1
        if i % 20 == 0:
            # The readers need the processors as well.
            time.sleep(0.001)


def fork(slot, series, until):
    pid = os.fork()
    if pid == 0:
        try:
            metrics.values.ValueClass = values.MultiProcessValue(lambda: slot)
            write(series, until)
        finally:
            os._exit(0)
    return pid


def main():
    parent = os.getpid()
    lasting = [fork(slot, 450, lambda i: os.getppid() != parent) for slot in ('a', 'b')]
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    slots = itertools.cycle('cdefg')
    while not done.is_set():
        slot = next(slots)
        os.waitpid(fork(slot, 300, lambda i: i == 600), 0)
        mark_process_dead(slot)
    for pid in lasting:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


main()

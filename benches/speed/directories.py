"""Makes the directories that the benchmark measures, with the official client.

    python directories.py DIRECTORY NAME...

NAME is S, M, L, XL, files-N (N files of short-lived workers) or series-N (two workers with N
series each). DIRECTORY/NAME is left alone where it exists. Everything is seeded: the same client
makes the same bytes.

Nine workers of ten create the same series in the same order, each with its own values; the tenth
creates them in an order of its own, and some series more, because it served other requests.
"""

import functools
import gc
import multiprocessing
import os
import random
import shutil
import sys
from dataclasses import dataclass

# The client decides when it is imported whether it writes files.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", ".")
from prometheus_client import Counter, Gauge, Histogram, Summary, metrics  # noqa: E402
from prometheus_client.values import MultiProcessValue  # noqa: E402

SEED = 367
MODES = sorted(Gauge._MULTIPROC_MODES)
LABELS = ["endpoint", "method", "status", "tenant"]
FAMILIES = {
    Counter: ["http_requests", "cache_operations", "queue_messages", "db_errors", "auth_attempts"],
    Gauge: ["worker_memory_bytes", "queue_depth", "pool_connections", "last_batch_size"],
    Histogram: ["http_request_duration_seconds", "db_query_duration_seconds", "rpc_duration_seconds"],
    Summary: ["http_response_size_bytes", "batch_processing_seconds"],
}
HELP = "What {} was for the requests of this service, by endpoint, method, status and tenant"


@dataclass
class Profile:
    """What the workers of a directory have: label sets by type, those of gauges by mode."""

    workers: int
    counters: int
    histograms: int  # 16 entries a label set: the client's 15 default buckets and the sum
    summaries: int  # 2 entries a label set
    gauges: int
    tenants: bool = False  # one label more
    help_length: int = 24


def profile(name):
    kind, _, number = name.partition("-")
    match kind:
        case "S":
            return Profile(8, counters=50, histograms=3, summaries=25, gauges=5)
        case "M":
            return Profile(128, counters=260, histograms=100, summaries=50, gauges=4)
        case "L":  # client_python issue 367: 6,802 files, 666,397 entries, 341,361 bytes of output
            return Profile(3401, counters=36, histograms=10, summaries=0, gauges=0)
        case "XL":
            return Profile(64, counters=7_300, histograms=2_500, summaries=1_250, gauges=20,
                           tenants=True, help_length=56)
        case "files":
            return Profile(int(number) // 2, counters=8, histograms=2, summaries=0, gauges=0)
        case "series":
            return Profile(2, counters=int(number) // 5, histograms=int(number) // 20, summaries=0, gauges=0)
    sys.exit(f"no directory is called {name}")


def label_sets(count, tenants):
    """The first `count` label sets of a service, always the same."""
    for i in range(count):
        endpoint = f"/api/v1/{['orders', 'users', 'carts', 'search'][i % 4]}/{i // 12:03}"
        labels = (endpoint, ["GET", "POST", "PUT"][i // 4 % 3], ["200", "201", "404"][i % 3])
        yield labels + (f"t{i % 97}",) if tenants else labels


def families(p):
    """(family, class, mode, label sets) in the order in which the service creates them."""
    for cls, count in ((Counter, p.counters), (Histogram, p.histograms), (Summary, p.summaries)):
        yield from split(cls, "", count, p)
    for mode in MODES:
        yield from split(Gauge, mode, p.gauges, p)


def split(cls, mode, count, p):
    names = FAMILIES[cls][: max(1, min(len(FAMILIES[cls]), count // 5))]
    sets = list(label_sets(count, p.tenants))
    for i, name in enumerate(names):
        if sets[i :: len(names)]:
            yield (f"{name}_{mode}" if mode else name, cls, mode, sets[i :: len(names)])


def write_worker(directory, p, worker):
    """What one process of the service writes."""
    pid = 1000 + 17 * worker
    rng = random.Random(f"{SEED} {worker}")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
    metrics.values.ValueClass = MultiProcessValue(lambda: pid)
    plan = list(families(p))
    if worker % 10 == 7:
        plan = [(name, cls, mode, differently(sets, worker, rng)) for name, cls, mode, sets in plan]
        rng.shuffle(plan)
    for name, cls, mode, sets in plan:
        arguments = {"multiprocess_mode": mode} if mode else {}
        help_text = HELP.format(name)[: p.help_length]
        family = cls(name, help_text, LABELS[: len(sets[0])], registry=None, **arguments)
        for labels in sets:
            use(family.labels(*labels), mode, rng)
    metrics.values.ValueClass.close_all_files()


def differently(sets, worker, rng):
    """Another order, and one label set in twenty more, which a few other workers have too."""
    more = [(f"/admin/{worker % 97}/{i}", *rest) for i, (_, *rest) in enumerate(sets[::20])]
    sets = sets + more
    rng.shuffle(sets)
    return sets


def use(child, mode, rng):
    if mode.endswith("mostrecent"):
        # Gauge.set() would take the clock's time.
        child._value.set(rng.uniform(0, 1e6), timestamp=1.7e9 + rng.random() * 1e6)
    elif mode:
        child.set(rng.randrange(1 << 30) / 8)
    elif isinstance(child, Counter):
        child.inc(rng.randrange(1, 100_000))
    else:
        for _ in range(2):
            child.observe(rng.expovariate(2))


def make(directory, name):
    final = os.path.join(directory, name)
    if os.path.isdir(final):
        return
    temporary = final + ".making"
    shutil.rmtree(temporary, ignore_errors=True)
    os.makedirs(temporary)
    p = profile(name)
    gc.disable()  # nothing here is garbage before the worker ends
    with multiprocessing.get_context("fork").Pool() as pool:
        work = functools.partial(write_worker, temporary, p)
        for _ in pool.imap_unordered(work, range(p.workers)):
            pass
    os.rename(temporary, final)


if __name__ == "__main__":
    for requested in sys.argv[2:]:
        make(sys.argv[1], requested)

"""Processes that come, count, are killed, and get numbers that were used before, while others compact, prune, merge and
scrape. Prints what happened as JSON.

    churn.py PROMPROC DIRECTORY SECONDS quiet|unquiet

Each process tells in shared memory what it begins and what it has done: every scrape must lie between what was done when it
began and what was begun when it ended. `quiet` uses two dozen numbers again and again, and scrapes with pauses; `unquiet`
gives each process its own, and scrapes all along.
"""
import glob
import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time

promproc, directory, seconds, mode = sys.argv[1:]
os.environ['PROMETHEUS_MULTIPROC_DIR'] = directory
IS_QUIET = mode == 'quiet'
SLOTS = 24
UNTIL = time.monotonic() + float(seconds)

from prometheus_client import Counter, Gauge, Histogram, metrics, values  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

# For each slot what it has begun and what it has done.
shared = mmap.mmap(-1, 16 * SLOTS)
AMOUNTS = (0.1, 0.7, 1e-3, 1 / 3)


def total(which):
    return sum(struct.unpack_from('=q', shared, 16 * slot + 8 * which)[0] for slot in range(SLOTS))


def add(slot, which):
    at = 16 * slot + 8 * which
    struct.pack_into('=q', shared, at, struct.unpack_from('=q', shared, at)[0] + 1)


def count(slot, number):
    metrics.values.ValueClass = values.MultiProcessValue(lambda: number)
    hits = Counter('hits', 'Hits', registry=None)
    durations = Counter('durations', 'Durations', ['path'], registry=None)
    sizes = Histogram('sizes', 'Sizes', registry=None, buckets=(1, 2))
    queue = Gauge('queue', 'Queue', registry=None, multiprocess_mode='sum')
    pad = Counter('pad', 'Pad', ['text'], registry=None)
    live = Gauge('live', 'Live', registry=None, multiprocess_mode='livesum')
    live.set(1)
    for turn in range(random.randrange(2, 400)):
        add(slot, 0)
        hits.inc()
        add(slot, 1)
        durations.labels(str(turn % 5)).inc(AMOUNTS[turn % 4])
        sizes.observe(AMOUNTS[turn % 4])
        queue.inc()
        # Grows past 64 KiB at times.
        pad.labels(f'{turn:0400d}').inc()
        time.sleep(random.random() * 0.01)
    time.sleep(random.random() * 0.5)
    os._exit(0)


def slowly(paths):
    for path in paths:
        time.sleep(0 if IS_QUIET else 0.02)
        yield path


def samples():
    found = {}
    for family in MultiProcessCollector.merge(slowly(glob.glob(os.path.join(directory, '*.db')))):
        for sample in family.samples:
            if sample.name != 'live':
                found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def merged():
    # promproc never fails.
    ran = subprocess.run([promproc, 'merge', directory], capture_output=True, text=True)
    if ran.returncode or ran.stderr:
        raise RuntimeError(f'{ran.returncode}: {ran.stderr}')
    found = {}
    for line in ran.stdout.splitlines():
        if not line.startswith(('#', 'live')):
            series, value = line.rsplit(' ', 1)
            found[series] = float(value)
    return found


def read(how, may_fail, gap):
    done = {'right': 0, 'failed': 0, 'wrong': []}
    before = {}
    while time.monotonic() < UNTIL:
        least = total(1)
        try:
            found = how()
        except Exception as error:
            done['failed'] += 1
            if not may_fail:
                done['wrong'].append(str(error))
        else:
            most = total(0)
            wrong = [f'{series} fell from {value!r} to {found.get(series)!r}' for series, value in before.items()
                     if found.get(series, -1.0) < value and 'queue' not in series]
            hits = found.get('hits_total', found.get(('hits_total', ()), 0.0))
            if not least <= hits <= most:
                wrong.append(f'hits_total is {hits}, and not between {least} and {most}')
            done['right'] += not wrong
            done['wrong'] += wrong[:3]
            before.update(found)
        time.sleep(gap)
    return done


def command(*arguments, gap=0.0):
    done = {'runs': 0, 'statuses': {}, 'files': 0, 'archives': 0, 'barrier': 0.0, 'wrong': [], 'said': {}}
    while time.monotonic() < UNTIL:
        ran = subprocess.run([promproc, *arguments, directory], capture_output=True, text=True)
        done['runs'] += 1
        done['statuses'][ran.returncode] = done['statuses'].get(ran.returncode, 0) + 1
        if ran.returncode not in (0, 1, 2) or 'panic' in ran.stderr:
            done['wrong'].append(ran.stderr)
        for line in ran.stderr.splitlines():
            said = line.replace(directory, '')
            if 'hint' not in said:
                done['said'][said] = done['said'].get(said, 0) + 1
        if arguments[0] == 'compact' and ran.stdout:
            line = json.loads(ran.stdout)
            done['files'] += line['files']
            done['archives'] += len(line['archives'])
            done['barrier'] = max(done['barrier'], line['barrier_seconds'])
        time.sleep(gap)
    return done


def apart(work):
    """Does it in a process of its own; gives where its result comes from."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        with os.fdopen(writer, 'w') as told:
            json.dump(work(), told)
            told.flush()
            os._exit(0)
    os.close(writer)
    return os.fdopen(reader)


compact = ['compact', '--min-files', '2', '--format', 'json'] + ([] if IS_QUIET else ['--unquiet'])
parts = {
    'scraper': lambda: read(samples, True, 2.6 if IS_QUIET else 0.0),
    'merger': lambda: read(merged, False, 2.6 if IS_QUIET else 0.05),
    'compact 1': lambda: command(*compact, gap=2.0),
    'compact 2': lambda: command(*compact, gap=3.1),
    'prune': lambda: command('prune', '--settle', '0', gap=4.3),
}
if not IS_QUIET:
    parts['merger 2'] = lambda: read(merged, False, 0.0)
told = {name: apart(work) for name, work in parts.items()}

result = {'started': 0, 'killed': 0, 'reused': 0}
running, used = {}, set()
while time.monotonic() < UNTIL:
    for slot in range(SLOTS):
        if slot not in running and random.random() < 0.004:
            number = str(5_000_000 + (slot if IS_QUIET else result['started']))
            result['started'] += 1
            result['reused'] += number in used
            used.add(number)
            pid = os.fork()
            if pid == 0:
                random.seed()
                count(slot, number)
            running[slot] = pid
        elif slot in running:
            if random.random() < 0.004:
                os.kill(running[slot], signal.SIGKILL)
                result['killed'] += 1
            if os.waitpid(running[slot], os.WNOHANG)[0]:
                del running[slot]
    time.sleep(0.01)
for pid in running.values():
    os.waitpid(pid, 0)
result |= {name: json.load(file) for name, file in told.items()}
last = [subprocess.run([promproc, 'compact', directory], capture_output=True, text=True) for _ in range(2)][-1]
result['last'] = [last.returncode, last.stderr]
result['counts'] = [total(1), merged()['hits_total'], total(0)]
result['is the same'] = {str(v) for v in samples().values()} == {str(v) for v in merged().values()}
result['left'] = [name for name in os.listdir(directory) if name.startswith('.promproc-') or 'barrier' in name]
result['files left'] = len(os.listdir(directory))
print(json.dumps(result))

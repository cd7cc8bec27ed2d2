"""Real clients beside a compaction, until standard input ends. Each prints `ready`, and what it did at its end.

    beside.py scrape DIRECTORY PAUSE GAP [SLOW]   scrapes; a line of JSON on standard input says what is right: series, least and most
    beside.py worker DIRECTORY NUMBER MOMENT      a process of that number, which counts from that moment on: seconds,
                                                  `barrier` (it stands) or `gone` (the number's file does not)
    beside.py dies DIRECTORY NUMBER MOMENT        the same, killed after it has counted
    beside.py late DIRECTORY NUMBER GENERATION    the same, which had looked the name up before the compaction, and
                                                  reaches the file after its commit
    beside.py wipe DIRECTORY MOMENT               removes *.db
"""
import ctypes
import glob
import json
import os
import platform
import select
import signal
import struct
import sys
import time

what, directory, *arguments = sys.argv[1:]
os.environ['PROMETHEUS_MULTIPROC_DIR'] = directory

from prometheus_client import Counter, metrics, values  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

GETDENTS64 = {'x86_64': 217, 'aarch64': 61}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)


def is_over():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def wait(condition):
    while not condition():
        if is_over():
            return False
        time.sleep(0.0005)
    return True


def wait_for(moment, number='0'):
    if moment in ('barrier', 'gone'):
        path = os.path.join(directory, f'counter_{"promproc-barrier" if moment == "barrier" else number}.db')
        return wait(lambda: os.path.exists(path) == (moment == 'barrier'))
    until = time.monotonic() + float(moment)
    return wait(lambda: time.monotonic() > until)


def names(pause):
    """The names in the directory, read a few at a time."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    buffer = ctypes.create_string_buffer(160)
    while True:
        size = libc.syscall(GETDENTS64, opened, buffer, len(buffer))
        if size <= 0:
            break
        at = 0
        while at < size:
            length, = struct.unpack_from('=H', buffer.raw, at + 16)
            name = os.fsdecode(buffer.raw[at + 19:at + length].split(b'\0')[0])
            if name.endswith('.db') and not name.startswith('.'):
                yield os.path.join(directory, name)
            at += length
        time.sleep(pause)
    os.close(opened)


def slowly(paths, pause):
    for path in paths:
        time.sleep(pause)
        yield path


def samples(pause, slow):
    # A scrape lists first, and then reads one file after the other.
    paths = list(names(pause) if slow else glob.iglob(os.path.join(directory, '*.db')))
    found = {}
    for family in MultiProcessCollector.merge(slowly(paths, pause)):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def scrape():
    pause, gap, slow = float(arguments[0]), float(arguments[1]), len(arguments) > 2
    expected = json.loads(sys.stdin.readline())
    done = {'right': 0, 'failed': 0, 'wrong': []}
    before = {}
    print('ready', flush=True)
    while not is_over():
        try:
            found = samples(pause, slow)
        except Exception:
            done['failed'] += 1
        else:
            is_right = True
            for name, (least, most) in expected.items():
                value = found.get(name, 0.0)
                if not max(least, before.get(name, 0.0)) <= value <= most:
                    done['wrong'].append(f'{name} is {value!r}, after {before.get(name)!r}')
                    is_right = False
                before[name] = value
            done['right'] += is_right
        until = time.monotonic() + gap
        wait(lambda: time.monotonic() > until)
    print(json.dumps(done), flush=True)


def work():
    number, moment = arguments
    print('ready', flush=True)
    counted = 0
    if wait_for(moment, number):
        metrics.values.ValueClass = values.MultiProcessValue(lambda: number)
        counter = Counter('hits', 'Hits', registry=None)
        for counted in range(1, 4):
            counter.inc()
        print(json.dumps({'counted': counted}), flush=True)
        if what == 'dies':
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        print(json.dumps({'counted': 0}), flush=True)
    sys.stdin.read()


def come_late():
    number, generation = arguments
    reached = os.open(os.path.join(directory, f'counter_{number}.db'), os.O_PATH)
    archive = os.path.join(directory, f'counter_compacted-{generation}.db')
    print('ready', flush=True)
    counted = 0
    if wait(lambda: os.path.exists(archive)):
        from prometheus_client.mmap_dict import MmapedDict, mmap_key
        file = MmapedDict(f'/proc/self/fd/{reached}')
        key = mmap_key('hits', 'hits_total', (), (), 'Hits')
        value, timestamp = file.read_value(key)
        file.write_value(key, value + 3.0, timestamp)
        counted = 3
    print(json.dumps({'counted': counted}), flush=True)
    sys.stdin.read()


def wipe():
    print('ready', flush=True)
    if wait_for(arguments[0]):
        for path in glob.glob(os.path.join(directory, '*.db')):
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
    print(json.dumps({}), flush=True)


{'scrape': scrape, 'worker': work, 'dies': work, 'late': come_late, 'wipe': wipe}[what]()

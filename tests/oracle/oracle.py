"""The official client as an oracle for promproc's tests.

    python oracle.py [PACKAGES]

imports `prometheus_client` (from the directory PACKAGES, where that is given) and answers requests:
one JSON object a line on standard input, one a line on standard output. A request names a function
of REQUESTS in "do"; the rest are its arguments. An answer is what the function returns, or
{"error": "TypeName: text"} if it raised. The first line of output says which client answers.

Numbers in requests are strings that `float` takes, so that NaN and infinities pass; floats in
answers are the 16 hexadecimal digits of their big-endian bytes, so that they compare exactly.
"""

import glob
import importlib.metadata
import json
import os
import struct
import sys
import time

if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
# Whether the client is in multiprocess mode is up to each request, not to the caller's environment.
for variable in ('prometheus_multiproc_dir', 'PROMETHEUS_MULTIPROC_DIR'):
    os.environ.pop(variable, None)

import prometheus_client as client  # noqa: E402
from prometheus_client import multiprocess  # noqa: E402

try:
    from prometheus_client import values
    from prometheus_client.mmap_dict import MmapedDict
except ImportError:
    # Before 0.4.0 all of it was in one module, under private names.
    from prometheus_client import core
    MmapedDict = core._MmapedDict
    values = None

TYPES = {'counter': client.Counter, 'gauge': client.Gauge, 'histogram': client.Histogram, 'summary': client.Summary}


def write(directory, processes):
    """Lets each process, a fork, do its operations with the client's own metric classes.

    A process is {"pid": a process_identifier or null for the real one, "operations": [...]}.
    """
    return {'pids': [str(write_process(directory, **process)) for process in processes]}


def write_process(directory, operations, pid=None):
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        failure = b''
        try:
            be_process(directory, pid)
            metrics = {}
            for operation in operations:
                operate(metrics, **operation)
        except BaseException as error:
            failure = describe(error).encode('utf-8', 'backslashreplace')
        os.write(write_end, failure)
        # The mappings are left as they are: a process that is killed does not close them either.
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, 'rb') as pipe:
        failure = pipe.read()
    os.waitpid(child, 0)
    if failure:
        raise RuntimeError('in a written process: ' + failure.decode())
    return child if pid is None else pid


def be_process(directory, pid):
    """Puts this process into multiprocess mode, as the variable would have at import."""
    os.environ['prometheus_multiproc_dir'] = os.environ['PROMETHEUS_MULTIPROC_DIR'] = directory
    identifier = os.getpid if pid is None else lambda: pid
    if values is None:
        core._ValueClass = core._MultiProcessValue(identifier)
    else:
        values.ValueClass = values.MultiProcessValue(identifier)


def operate(metrics, type, name, help='', labels=(), mode=None, buckets=None, op=None, value=None, time_is=None):
    """One call of a metric's method; without `op` the series only comes into being.

    `labels` is a list of [name, value]; `time_is` is what the clock says meanwhile.
    """
    names = tuple(label for label, _ in labels)
    identity = (type, name, help, names, mode, tuple(buckets or ()))
    metric = metrics.get(identity)
    if metric is None:
        arguments = {'registry': None}
        if mode is not None:
            arguments['multiprocess_mode'] = mode
        if buckets is not None:
            arguments['buckets'] = [float(bound) for bound in buckets]
        metric = metrics[identity] = TYPES[type](name, help, names, **arguments)
    series = metric.labels(*[text for _, text in labels]) if labels else metric
    if op is None:
        return
    real_clock = time.time
    if time_is is not None:
        time.time = lambda: float(time_is)
    try:
        if op == 'set_to_current_time':
            series.set_to_current_time()
        elif op == 'set_function':
            series.set_function(lambda: float(value))
        else:
            getattr(series, op)(float(value))
    finally:
        time.time = real_clock


class Bytes(str):
    """A key of arbitrary bytes: MmapedDict stores what `encode` returns."""

    def __new__(cls, data):
        key = super().__new__(cls, data.hex())
        key.data = data
        return key

    def encode(self, *_):
        return self.data


def raw(file, entries):
    """Writes entries of any key text ("key") or key bytes ("key_hex") with MmapedDict."""
    out = MmapedDict(file)
    for entry in entries:
        key = Bytes(bytes.fromhex(entry['key_hex'])) if 'key_hex' in entry else entry['key']
        write_value(out, key, float(entry['value']), float(entry.get('timestamp', '0')))
    out.close()
    return {}


def write_value(out, key, value, timestamp):
    if MmapedDict.write_value.__code__.co_argcount == 4:
        out.write_value(key, value, timestamp)
    else:
        out.write_value(key, value)


def merge(files=None, directory=None, format='text', escaping=None, accumulate=True):
    """The exposition of files in the given order, or of a directory in byte order of names."""
    if files is None:
        files = metric_files(directory)
    arguments = {} if escaping is None else {'escaping': escaping}
    registry = Registry(multiprocess.MultiProcessCollector.merge(files, accumulate))
    if format == 'openmetrics':
        from prometheus_client.openmetrics.exposition import generate_latest
    else:
        generate_latest = client.generate_latest
    return {'text': generate_latest(registry, **arguments).decode('utf-8')}


def scrape(directory):
    """What this version's own `/metrics` prints, but with the files in byte order of names."""
    collector = multiprocess.MultiProcessCollector(None, directory)
    files = metric_files(directory)
    real_glob = glob.glob
    glob.glob = lambda *_: files
    try:
        return {'text': client.generate_latest(Registry(collector.collect())).decode('utf-8')}
    finally:
        glob.glob = real_glob


class Registry:
    def __init__(self, families):
        self.families = families

    def collect(self):
        return self.families


def read(directory):
    """The entries of every metric file of a directory, as this version's reader sees them."""
    return {'files': [read_file(file) for file in metric_files(directory)]}


def read_file(file):
    if hasattr(MmapedDict, 'read_all_values_from_file'):
        entries = MmapedDict.read_all_values_from_file(file)
    else:
        entries = MmapedDict(file, read_mode=True)._read_all_values()
    # From 0.18.0 on there is a timestamp before the position.
    return {'name': os.path.basename(file), 'entries': [
        {
            'key': key,
            'value': digits(value),
            'timestamp': digits(timestamp[0]) if timestamp else None,
            'position': position,
        }
        for key, value, *timestamp, position in entries
    ]}


def transcode(directory, files):
    """Writes what `read` of an older client returned as the files of this one."""
    for file in files:
        out = MmapedDict(os.path.join(directory, file['name']))
        for entry in file['entries']:
            key = json.dumps(current_key(file['name'], json.loads(entry['key'])))
            if key in out._positions:
                raise ValueError('two entries of {} become one: {}'.format(file['name'], key))
            timestamp = number(entry['timestamp']) if entry['timestamp'] else 0.0
            out.write_value(key, number(entry['value']), timestamp)
        out.close()
    return {}


def current_key(file_name, key):
    """A key of any era as [family, sample, labels, help]."""
    family, sample, labels = key[:3]
    if isinstance(labels, list):
        labels, key = dict(zip(labels, key[3])), key[:3]
        if file_name.startswith('counter_') and family.endswith('_total'):
            family = family[:-len('_total')]
    return [family, sample, labels, key[3] if len(key) > 3 else 'Multiprocess metric']


def mark_dead(directory, pid):
    """mark_process_dead, and what it left."""
    multiprocess.mark_process_dead(pid, directory)
    return {'files': sorted(os.listdir(directory), key=os.fsencode)}


def metric_files(directory):
    return sorted(glob.glob(os.path.join(glob.escape(directory), '*.db')), key=os.fsencode)


def digits(value):
    return struct.pack('>d', value).hex()


def number(value):
    return struct.unpack('>d', bytes.fromhex(value))[0]


def describe(error):
    return '{}: {}'.format(type(error).__name__, error)


REQUESTS = {
    function.__name__: function for function in (write, raw, merge, scrape, read, transcode, mark_dead)
}


def main():
    answer({'version': importlib.metadata.version('prometheus_client')})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(REQUESTS[request.pop('do')](**request))
        except Exception as error:
            answer({'error': describe(error)})


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == '__main__':
    main()

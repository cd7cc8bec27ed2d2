"""Records `tests/data` anew: a directory an era, and one of a gunicorn service, with real clients.

    cargo test && target/tmp/python/bin/python tests/oracle/record.py

Beside each directory NAME stand
    NAME.expected.txt, NAME.expected.om   what prometheus_client 0.26.0 prints of it, as text and as
                                          OpenMetrics; for eras A to C, which it cannot read, of the
                                          same entries read by the era's own client
    NAME.client.txt                       what the era's own client printed (eras A to C)
Arguments choose directories by name. All but `gunicorn` come out the same each time.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), 'data')
CURRENT = '0.26.0'

NASTY = ['', 'a"b', 'back\\slash', 'new\nline', '\x1b[31mred\t', '日本語 e\u0301 👩\u200d👧', 'a,b="c"} 1']
NUMBERS = ['0', '-0.0', '1e6', '999999.5', '1e10', '1e16', '1e-5', '5e-324', '1.7976931348623157e308',
           '0.30000000000000004', '-1234567', 'nan', 'inf', '-inf']
MODES = ['all', 'liveall', 'livesum', 'max', 'min', 'livemax', 'livemin', 'sum', 'livemostrecent', 'mostrecent']


class Client:
    """A release of the client, in oracle.py."""

    def __init__(self, version):
        packages = [os.path.join(sys.prefix, 'clients', version)] if version != CURRENT else []
        self.process = subprocess.Popen(
            [sys.executable, '-B', os.path.join(HERE, 'oracle.py'), *packages],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.answer() == {'version': version}

    def __call__(self, do, **arguments):
        print(json.dumps({'do': do, **arguments}), file=self.process.stdin, flush=True)
        answer = self.answer()
        if 'error' in answer:
            raise RuntimeError(answer['error'])
        return answer

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def metric(type, name, *calls, help='', **rest):
    """The operations on one metric; a call is (labels, operation, value)."""
    return [
        dict(type=type, name=name, help=help, labels=list(labels.items()), op=op, value=value, **rest)
        for labels, op, value in calls
    ]


def service(factor, modes):
    """What a process of a service did, all of it `factor` times as much."""
    times = lambda number: repr(float(number) * factor)
    operations = [
        *metric('counter', 'http_requests_total', help='Requests by "path",\nand how they ended \\o/', *[
            ({'path': value, 'method': 'GET'}, 'inc', times(n)) for n, value in enumerate(NASTY, 1)]),
        *metric('histogram', 'request_seconds', help='Time to answer', buckets=['0.1', '0.5', '1', '5'], *[
            ({'path': '/'}, 'observe', times(number)) for number in ('0.05', '0.3', '0.3', '2', '7')]),
        *metric('summary', 'body_bytes', help='Größe', *[({}, 'observe', times(512)), ({}, 'observe', times(1.5))]),
    ]
    for nth, mode in enumerate(modes):
        operations += metric('gauge', 'queue_' + mode, help='mode ' + mode, mode=mode, time_is=repr(1700000000.25 * factor), *[
            ({'name': 'in'}, 'set', times(nth + 0.5)), ({'name': 'never set'}, None, None)])
    return operations


def numbers():
    return metric('gauge', 'numbers', help='Each number is its own label', mode='max', *[
        ({'number': number}, 'set', number) for number in NUMBERS])


def only(types, operations):
    return [operation for operation in operations if operation['type'] in types or operation.get('mode') in types]


def record_old(name, version, modes):
    """Two processes and a third that only counts: these files are 1 MiB each up to 0.15.0."""
    processes = [
        {'pid': '101', 'operations': service(1, modes) + numbers()},
        {'pid': '102', 'operations': only(('counter', 'livesum', 'max'), service(2, modes))},
        {'pid': 'web-3', 'operations': only(('counter',), service(3, modes))},
    ]
    with Client(version) as old:
        record(name, lambda directory: old('write', directory=directory, processes=processes))
        beside(name, 'client.txt', old('scrape', directory=path(name))['text'])
        files = old('read', directory=path(name))['files']
    with Client(CURRENT) as current, tempfile.TemporaryDirectory() as transcoded:
        current('transcode', directory=transcoded, files=files)
        expect(name, current, transcoded)


def record_era_a():
    record_old('era-a', '0.2.0', MODES[:5])


def record_era_b():
    record_old('era-b', '0.8.0', MODES[:5])


def record_era_c():
    record_old('era-c', '0.16.0', MODES[:8])


def record_era_d():
    """All ten modes, and what FORMAT has to say about names, conflicts and bounds."""
    conflicts = [
        # One family in two modes and in two types, help that differs, a label that a mode overwrites.
        *metric('gauge', 'two_modes', ({}, 'set', '1'), mode='all', help='first'),
        *metric('gauge', 'two_modes', ({}, 'set', '2'), mode='min', help='second'),
        *metric('gauge', 'two_types', ({}, 'set', '3'), mode='all'),
        *metric('summary', 'two_types', ({}, 'observe', '4')),
        *metric('gauge', 'own_pid', ({'pid': 'mine', 'a': ''}, 'set', '5'), mode='liveall'),
        # Names that only UTF-8 allows.
        *metric('counter', 'http.requests total', ({'http.method': 'GET', 'quo"te': '\\'}, 'inc', '6')),
        *metric('histogram', 'größe', ({'日本': '語'}, 'observe', '1e6'), buckets=['0.005', '1000000', '10000000000']),
    ]
    processes = [
        {'pid': '101', 'operations': service(1, MODES) + numbers() + conflicts},
        {'pid': '102', 'operations': only(('counter', 'histogram', 'summary', 'min', 'mostrecent', 'sum'), service(2, MODES))},
        # The label pid of these gauges is "h": the client cuts the third part of the name.
        {'pid': 'host_5', 'operations': only(('all', 'counter'), service(3, MODES))},
    ]
    key = lambda *parts: json.dumps(parts, ensure_ascii=False)
    forged = {
        'histogram_2000.db': [
            {'key': key('bounds', 'bounds_bucket', {'le': le}, 'One bucket in many spellings'), 'value': '1'}
            for le in ('1', '1.0', '1e0', '+Inf', 'inf', '1e3', '1000', '-0', '0')
        ] + [{'key': key('bounds', 'bounds_sum', {}, 'One bucket in many spellings'), 'value': '0.1'}],
        'summary_2000.db': [
            {'key': key('made', 'made_created', {}, 'has a time'), 'value': '1.7e9'},
            {'key': key('made', 'made_sum', {'ü': 'ü'}, 'has a time'), 'value': '-1'},
        ],
        'counter_2001.db': [],
    }
    with Client(CURRENT) as current:
        def fill(directory):
            current('write', directory=directory, processes=processes)
            for file, entries in forged.items():
                current('raw', file=os.path.join(directory, file), entries=entries)
        record('era-d', fill)
        expect('era-d', current, path('era-d'))


def record_mixed():
    """A volume that outlived two upgrades: three eras in one directory."""
    files = []

    def fill(directory):
        for pid, version in (('11', '0.8.0'), ('12', '0.16.0'), ('13', CURRENT)):
            operations = only(('counter', 'histogram', 'max'), service(int(pid), MODES[:5]))
            with Client(version) as client, tempfile.TemporaryDirectory() as own:
                client('write', directory=own, processes=[{'pid': pid, 'operations': operations}])
                files.extend(client('read', directory=own)['files'])
                for file in os.listdir(own):
                    shutil.copyfile(os.path.join(own, file), os.path.join(directory, file))

    record('mixed', fill)
    with Client(CURRENT) as current, tempfile.TemporaryDirectory() as transcoded:
        current('transcode', directory=transcoded, files=files)
        expect('mixed', current, transcoded)


def record_gunicorn():
    """app.py under four sync workers, two of which are killed while they answer, and replaced."""
    with Client(CURRENT) as current:
        record('gunicorn', run_gunicorn)
        expect('gunicorn', current, path('gunicorn'))


def run_gunicorn(directory):
    with tempfile.TemporaryDirectory() as live, tempfile.TemporaryDirectory() as hanging:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        environment = {**os.environ, 'PROMETHEUS_MULTIPROC_DIR': live, 'HANGING': hanging, 'PYTHONDONTWRITEBYTECODE': '1'}
        gunicorn = subprocess.Popen(
            [sys.executable, '-m', 'gunicorn', '--workers', '4', '--bind', f'127.0.0.1:{port}', '--no-control-socket',
             '--log-level', 'warning', '--chdir', HERE, 'app:app'], env=environment)

        def request(method, target, body=None):
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
            try:
                connection.request(method, target, body)
                return connection.getresponse().read().decode()
            finally:
                connection.close()

        def hang(name):
            """Starts a request that stays under way; gives the pid of its worker."""
            threading.Thread(target=ignore_reset, args=(request, 'GET', '/hang/' + name)).start()
            file = os.path.join(hanging, name)
            wait_for(lambda: os.path.exists(file) and os.path.getsize(file))
            with open(file) as pid:
                return int(pid.read())

        def workers():
            return {name for name in os.listdir(live) if name.startswith('gauge_livesum_')}

        try:
            wait_for(lambda: len(workers()) == 4)
            for nth in range(2):
                for size in range(0, 4000, 100):
                    request('GET', ('/', '/products', '/missing')[size % 3])
                    request('POST', '/order', b'x' * size)
                # A killed worker's gauges stay: nobody calls mark_process_dead.
                os.kill(hang(f'killed{nth}'), signal.SIGKILL)
                wait_for(lambda: len(workers()) == 5 + nth)
            for size in range(0, 2000, 100):
                request('POST', '/order', b'x' * size)
            request('POST', '/basket', b'three')
            request('POST', '/report', b'eleven')
            under_way = hang('under-way')
            assert any(name.endswith(f'_{under_way}.db') for name in workers())
            # The requests above are over, and this one does not count before it ends.
            for file in os.listdir(live):
                shutil.copyfile(os.path.join(live, file), os.path.join(directory, file))
        finally:
            for file in os.listdir(hanging):
                os.remove(os.path.join(hanging, file))
            gunicorn.terminate()
            gunicorn.wait()


def ignore_reset(request, *arguments):
    try:
        request(*arguments)
    except (ConnectionError, http.client.HTTPException):
        pass


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError('the service does not do what was waited for')
        time.sleep(0.01)


def path(name):
    return os.path.join(DATA, name)


def record(name, fill):
    shutil.rmtree(path(name), ignore_errors=True)
    os.makedirs(path(name))
    fill(path(name))


def expect(name, current, directory):
    beside(name, 'expected.txt', current('merge', directory=directory)['text'])
    beside(name, 'expected.om', current('merge', directory=directory, format='openmetrics')['text'])


def beside(name, ending, text):
    with open(path(f'{name}.{ending}'), 'w', encoding='utf-8', newline='') as file:
        file.write(text)


RECORDINGS = {
    'era-a': record_era_a,
    'era-b': record_era_b,
    'era-c': record_era_c,
    'era-d': record_era_d,
    'mixed': record_mixed,
    'gunicorn': record_gunicorn,
}

if __name__ == '__main__':
    for chosen in sys.argv[1:] or RECORDINGS:
        RECORDINGS[chosen]()

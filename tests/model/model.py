#!/usr/bin/env python3
"""Explores every interleaving of the compaction protocol of docs/compaction.md with one scraper, one process that starts and may die, and a crash.

Two dead processes left A and B (counted a and b), the old archive g6 holds x. A new process may get A's number at any moment and
counts n. The scraper is the unmodified Python client: it lists the directory name by name, then opens what it listed in any
order, and fails on a name that is gone or on the barrier. Safe means: a scrape fails or counts a, b and x exactly once each, and
when all is quiet a, b, x and n are there exactly once each. After a crash, promproc's own readers, who count what is aside as long as
the fold stands under its dot name (`tmp`), must get a, b and x exactly once at every moment.

It assumes that quiet means that no scrape is under way, and that listings are counted exactly: docs/compaction.md says what makes that so.

usage: model.py [quick] [WITHOUT...]    (11 million states, some minutes; quick: a tenth of the listing orders). Each of these, left out, gives violations:
  barrier      scrapes fail while files change places
  quiet        the barrier goes up when no scrape is under way; where one began just before it, it goes down again
  listing      (only without quiet, which is `--unquiet`) then wait for listings that began before the barrier. What is left is
               one case: a scrape had read all but one of the sources, and a process with that one's number makes its file anew
  down         before the barrier goes down, wait for listings that are under way
  grace        what is aside stays for a second, and is asked for again before it goes: a process may have looked its name up
               before it went aside, and reach the file only now
  newname      every generation of the archive has a name of its own
"""
import itertools
import sys
from collections import deque

without = set(sys.argv[1:])
QUICK = 'quick' in without
without.discard('quick')
unknown = without - {'barrier', 'newname', 'quiet', 'listing', 'down', 'grace'}
if unknown:
    sys.exit(f'no such part: {", ".join(unknown)}')
# The steps, named as in the code. Of the first ones the model has only what follows from them: Watch and Quiet are the condition
# on which Fold begins, Lease the condition on what is folded; Lock keeps promproc's readers away until a crash.
STEPS = ('Watch', 'Lease', 'Fold', 'Quiet', 'Lock', 'BarrierUp', 'Aside', 'Commit', 'BarrierDown', 'Grace', 'TakeBack', 'Recover')
BARRIER, NEW_NAME = 'barrier' not in without, 'newname' not in without
QUIET, LISTING, DOWN, GRACE = ('quiet' not in without, 'listing' not in without, 'down' not in without, 'grace' not in without)
FAIL = 'FAIL'
NEW = 'g7' if NEW_NAME else 'g6'


def pack(mapping):
    return tuple(sorted(mapping.items()))


def less(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


# While the compaction holds its lease on A, and where the file is that A's name led to: under its name, aside, or gone.
HELD = ('BarrierUp', 'BarrierUp: wait', 'Aside: A', 'Aside: A asked', 'Aside: B', 'Aside: g6', 'Aside: all asked', 'Commit', 'BarrierDown', 'Grace', 'TakeBack')
START = dict(dir=pack({'A': 'a', 'B': 'b', 'g6': 'x'}), aside=(), tmp=False, archive=None, at='Fold', without_a=False, crashed=False,
             process='none', place='dir', scraper='idle', early=False, slot=0, names=(), counted='')
KEYS = list(START)


def successors(s, slots, wrong):
    """All states that one step of somebody leads to; what must not be is told to `wrong`."""
    out = []
    there, aside = dict(s['dir']), dict(s['aside'])
    listing, reading = s['scraper'] == 'listing', s['scraper'] == 'reading'

    def go(**changes):
        out.append({**s, **changes})

    # The scraper.
    if s['scraper'] == 'idle':
        go(scraper='listing', early='bar' not in there, slot=0, names=(), counted='')
    elif listing and s['slot'] < len(slots):
        name = slots[s['slot']]
        go(slot=s['slot'] + 1, names=s['names'] + ((name,) if name in there else ()))
    elif listing:
        go(scraper='reading', slot=0)
    elif not s['names']:
        counted = s['counted'].replace('n', '')
        if counted != 'abx':
            wrong(f'a scrape counted {counted or "nothing"}')
        else:
            go(scraper='idle', counted='')
    for name in s['names'] if reading else ():
        if there.get(name, FAIL) == FAIL:
            go(scraper='idle', names=(), counted='')
        else:
            names = tuple(other for other in s['names'] if other != name)
            go(names=names, counted=''.join(sorted(s['counted'] + there[name])))

    # A new process opens the counter file of its number: it looks the name up, and reaches the file later. Where a lease is held
    # on that file, it waits in open().
    reached = s['process'] == 'looked up'
    held = not s['crashed'] and s['at'] in HELD and not (s['without_a'] and s['place'] == 'dir')
    if s['process'] in ('has A', 'has new A', 'has aside A'):
        go(process='died')
    if s['process'] == 'none':
        go(process='looked up' if 'A' in there else 'has new A', dir=s['dir'] if 'A' in there else pack({**there, 'A': 'n'}))
    elif reached and held:
        go(process='waits')
    elif reached and s['place'] == 'dir':
        go(process='has A', dir=pack({**there, 'A': there['A'] + 'n'}))
    elif reached and s['place'] == 'aside':
        go(process='has aside A', aside=pack({**aside, 'A': aside['A'] + 'n'}))
    elif reached:
        wrong('a process writes into a file without a name')

    at = s['at']
    if not s['crashed']:
        compact(s, go, wrong, there, aside, listing, reading)
        if at != 'Grace: done':
            # With the compaction its leases end, and who waits is let in to the file that it looked up.
            if s['process'] == 'waits' and s['place'] == 'dir':
                go(crashed=True, process='has A', dir=pack({**there, 'A': there['A'] + 'n'}))
            elif s['process'] == 'waits':
                go(crashed=True, process='has aside A', aside=pack({**aside, 'A': aside['A'] + 'n'}))
            else:
                go(crashed=True)
    elif at != 'Recover: done':
        recover(s, go, wrong, there, aside, listing)
    if s['crashed']:                        # before that, promproc's readers wait for the lock
        parts = list(there.values()) + (list(aside.values()) if s['tmp'] else [])
        read = ''.join(sorted(''.join(part for part in parts if part != FAIL))).replace('n', '')
        if read != 'abx':
            wrong(f'promproc reads {read or "nothing"}')
    if at in ('Grace: done', 'Recover: done') and s['process'] in ('has A', 'has new A', 'died'):
        total = ''.join(sorted(''.join(content for content in there.values() if content != FAIL)))
        if total != 'abnx':
            wrong(f'at rest there is {total}')
    return out


def compact(s, go, wrong, there, aside, listing, reading):
    at = s['at']
    early = s['early'] and s['scraper'] != 'idle'       # a scrape that began when there was no barrier
    if at == 'Fold' and QUIET and s['scraper'] != 'idle':
        pass
    elif at == 'Fold':                     # fold what no process has open for writing
        if s['process'] == 'waits':
            go(process='has A', dir=pack({**there, 'A': there['A'] + 'n'}))
        elif s['process'] in ('has A', 'has new A'):
            go(at='BarrierUp', archive='bx', without_a=True, tmp=True)
        else:
            go(at='BarrierUp', archive=''.join(sorted(there['A'] + 'bx')), tmp=True)
    elif at == 'BarrierUp':
        go(at='BarrierUp: wait', dir=pack({**there, 'bar': FAIL}) if BARRIER else s['dir'])
    elif at == 'BarrierUp: wait' and QUIET and early:
        go(at='Fold', dir=pack(less(there, 'bar')), archive=None, without_a=False, tmp=False)
    elif at == 'BarrierUp: wait' and not (LISTING and early and listing):
        if s['without_a']:
            go(at='Aside: B')
        elif s['process'] == 'waits':
            go(at='Aside: B', archive='bx', without_a=True, process='has A', dir=pack({**there, 'A': there['A'] + 'n'}))
        else:
            go(at='Aside: A')                 # granted: no process has A open for writing
    elif at == 'Aside: A':
        go(at='Aside: A asked', place='aside', dir=pack(less(there, 'A')), aside=pack({**aside, 'A': there['A']}))
    elif at in ('Aside: A asked', 'Aside: all asked') and s['process'] == 'waits' and s['place'] == 'aside':
        if 'A' in there:
            wrong('the name is taken')
        go(at='Aside: B' if at == 'Aside: A asked' else 'Commit', process='has A', place='dir', dir=pack({**there, 'A': aside['A'] + 'n'}),
           aside=pack(less(aside, 'A')), archive='bx', without_a=True)
    elif at == 'Aside: A asked':
        go(at='Aside: B')
    elif at == 'Aside: B':
        go(at='Aside: g6', dir=pack(less(there, 'B')), aside=pack({**aside, 'B': there['B']}))
    elif at == 'Aside: g6' and NEW_NAME:
        go(at='Aside: all asked', dir=pack(less(there, 'g6')), aside=pack({**aside, 'g6': there['g6']}))
    elif at == 'Aside: g6':
        go(at='Aside: all asked')
    elif at == 'Aside: all asked':
        go(at='Commit')
    elif at == 'Commit':
        go(at='BarrierDown', dir=pack({**there, NEW: s['archive']}), archive=None, tmp=False)
    elif at == 'BarrierDown' and not (DOWN and listing):
        go(at='Grace', dir=pack(less(there, 'bar')))
    elif at == 'Grace' and s['process'] == 'waits' and s['place'] == 'aside' and GRACE:
        if s['scraper'] == 'idle':          # quiet, again
            go(at='TakeBack', dir=pack({**there, 'bar': FAIL}))
    elif at == 'Grace' and not (GRACE and reached_soon(s)):
        go(at='Grace: done', place='gone' if s['place'] == 'aside' else s['place'], aside=())
    elif at == 'TakeBack' and early:
        go(at='Grace', dir=pack(less(there, 'bar')))
    elif at == 'TakeBack':               # without its archive, what is aside counts again; the rest is recovery's
        go(at='Recover: undone', crashed=True, process='has aside A', dir=pack(less(there, NEW)), tmp=True, aside=pack({**aside, 'A': aside['A'] + 'n'}))


def reached_soon(s):
    """A process that has looked the name up reaches the file within the time of grace, whichever file it is."""
    return s['process'] == 'looked up' and s['place'] == 'aside'


def recover(s, go, wrong, there, aside, listing):
    """Knows nothing but the directory. Committed: remove what is aside, if nobody has it and it is what was folded (its name tells), else
    undo the commit, which is one renaming. Not committed: names back; a name that was taken meanwhile: a new archive's name."""
    barrier_may_go = not (DOWN and listing)
    if 'g7' in there and aside:
        if s['process'] == 'has aside A' or 'A' in aside and 'n' in aside['A'] and 'n' not in there['g7'] or GRACE and reached_soon(s):
            written = s['process'] == 'has aside A' or 'A' in aside and 'n' in aside['A']
            if written and s['scraper'] == 'idle' and 'bar' not in there:
                go(dir=pack({**there, 'bar': FAIL}))
            elif written and 'bar' in there and s['early'] and s['scraper'] != 'idle':
                go(dir=pack(less(there, 'bar')))
            elif written and 'bar' in there:
                go(at='Recover: undone', dir=pack(less(there, 'g7')), tmp=True)
        else:
            go(aside=(), place='gone' if s['place'] == 'aside' else s['place'])
    elif s['tmp'] and aside:
        name = next(iter(aside))
        if name not in there:
            go(dir=pack({**there, name: aside[name]}), aside=pack(less(aside, name)), place='dir' if name == 'A' else s['place'],
               process='has A' if name == 'A' and s['process'] == 'has aside A' else s['process'])
        elif s['process'] == 'has aside A' or not reached_soon(s):
            go(dir=pack({**there, 'g8': aside[name]}), aside=pack(less(aside, name)), place='g8',
               process='has g8' if s['process'] == 'has aside A' else s['process'])
    elif s['tmp']:
        go(tmp=False)
    elif barrier_may_go:
        go(at='Recover: done', dir=pack(less(there, 'bar')), archive=None)


def explore(slots, violations):
    first = tuple(START.values())
    seen, queue = {first}, deque([first])
    while queue:
        s = dict(zip(KEYS, queue.popleft()))

        def wrong(what):
            violations.setdefault(what, (slots, s))

        for state in successors(s, slots, wrong):
            assert state['at'].split(':')[0] in STEPS, state['at']
            state = tuple(state.values())
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return len(seen)


violations, states = {}, 0
orders = list(itertools.permutations(['bar', 'A', 'g6', 'B', 'g7', 'g8']))
for slots in orders[::10] if QUICK else orders:
    states += explore(slots, violations)
    if without and violations:
        break
print(f'{states} states')
for what, (slots, s) in violations.items():
    print(f'{what}: listing order {slots}, {s}')
sys.exit(bool(violations))

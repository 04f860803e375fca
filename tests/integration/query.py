#!/usr/bin/python3
"""query.py EXPRESSION <events: a Python expression over what `podstep run --json` printed.

events              all, as dicts; a line that is no JSON object fails
result              the last one, which must be job-finished; of several workflows, the one before the run's
run                 the end of a run of several workflows
step(NAME)          how a step ended: its event of the state "done"
states(NAME)        the states it went through
lines(NAME[, STREAM])   its output as text; a last line without an end counts
output(NAME)        its output as bytes
at(NAME, STATE)     where in the list it came to a state
"""
import base64
import json
import sys

events = [json.loads(line) for line in sys.stdin]
if not all(isinstance(event, dict) for event in events):
    sys.exit('not all lines are objects')
run = events.pop() if events and events[-1]['event'] == 'run-finished' else None
if not events or events[-1]['event'] != 'job-finished':
    sys.exit('the last line is no result')
result = events[-1]


def of(name, kind):
    return [event for event in events if event['event'] == kind and event.get('step') == name]


def states(name):
    return [event['state'] for event in of(name, 'step')]


def step(name):
    done = [event for event in of(name, 'step') if event['state'] == 'done']
    if len(done) != 1:
        sys.exit('step %r is done %d times' % (name, len(done)))
    return done[0]


def at(name, state):
    return next(i for i, event in enumerate(events)
                if event['event'] == 'step' and event.get('step') == name and event['state'] == state)


def output(name, stream=None):
    parts = []
    for event in of(name, 'output'):
        if stream in (None, event['stream']):
            parts.append(base64.b64decode(event['base64']) if 'base64' in event else event['line'].encode())
            if not event.get('partial'):
                parts.append(b'\n')
    return b''.join(parts)


def lines(name, stream=None):
    return output(name, stream).decode('utf8', 'replace').splitlines()


value = eval(sys.argv[1])
print('\n'.join(map(str, value)) if isinstance(value, list) else value)

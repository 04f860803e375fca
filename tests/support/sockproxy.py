#!/usr/bin/python3
"""sockproxy.py LISTEN.sock UPSTREAM.sock FAULTS.json: raw proxy between two unix sockets that cuts connections.

FAULTS.json is read at each request; no file, no fault. A fault is an object, or a list of which the first match counts:
match   regular expression on the request's bytes
count   how often it happens (1); counted down in the file
delay   seconds before the request is handed on
before  true: close before the engine sees the request
stall   seconds before each part of the answer
reply   this instead of asking the engine, then close: bytes as latin1
cut     close after so many bytes of the answer; the engine has done its work
"""
import json
import os
import re
import socket
import sys
import threading
import time

LISTEN, UPSTREAM, FAULTS = sys.argv[1:4]
LOCK = threading.Lock()


def take_fault(data):
    with LOCK:
        try:
            with open(FAULTS) as file:
                faults = json.load(file)
        except (OSError, ValueError):
            return {}
        for fault in faults if isinstance(faults, list) else [faults]:
            if fault.get('count', 1) > 0 and re.search(fault.get('match', ''), data.decode('latin1')):
                fault['count'] = fault.get('count', 1) - 1
                with open(FAULTS, 'w') as file:
                    json.dump(faults, file)
                return fault
    return {}


def close(*socks):
    for sock in socks:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


def serve(client):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(UPSTREAM)
    except OSError:
        close(client)
        return
    state = {'fault': {}, 'sent': 0}

    def upward():
        while True:
            try:
                data = client.recv(65536)
            except OSError:
                break
            if not data:
                break
            fault = take_fault(data)
            if fault:
                state['fault'], state['sent'] = fault, 0
            time.sleep(fault.get('delay', 0))
            if 'reply' in fault:
                client.sendall(fault['reply'].encode('latin1'))
            if fault.get('before') or 'reply' in fault:
                close(client, server)
                return
            try:
                server.sendall(data)
            except OSError:
                break
        try:
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threading.Thread(target=upward, daemon=True).start()
    while True:
        try:
            data = server.recv(65536)
        except OSError:
            break
        if not data:
            break
        fault = state['fault']
        if 'stall' in fault:
            time.sleep(fault['stall'])
        keep = len(data)
        if 'cut' in fault:
            keep = max(fault['cut'] - state['sent'], 0)
            state['sent'] += len(data)
        try:
            client.sendall(data[:keep])
        except OSError:
            if 'cut' not in fault:
                break
        if keep < len(data) or ('cut' in fault and keep == len(data)):
            break
    close(client, server)


try:
    os.unlink(LISTEN)
except FileNotFoundError:
    pass
listener = socket.socket(socket.AF_UNIX)
listener.bind(LISTEN)
listener.listen(64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

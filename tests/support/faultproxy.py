#!/usr/bin/python3
"""faultproxy.py LISTEN_PORT UPSTREAM_PORT: plain HTTP proxy to 127.0.0.1:UPSTREAM_PORT (a registry) with faults.

PUT /_fault adds a fault, DELETE /_fault clears all, GET /_fault lists the requests so far. A fault is a JSON object:
match   regular expression on "METHOD path"
count   how often it happens (1)
delay   seconds before anything
status  answer with this, plus "headers", instead of asking upstream
cut     close after so many bytes of the body
rate    bytes per second of the body
"""
import http.client
import http.server
import json
import re
import sys
import threading
import time

LISTEN, UPSTREAM = int(sys.argv[1]), int(sys.argv[2])
FAULTS, HITS, LOCK = [], [], threading.Lock()
CODES = {401: 'UNAUTHORIZED', 403: 'DENIED', 404: 'MANIFEST_UNKNOWN', 429: 'TOOMANYREQUESTS'}


def next_fault(request):
    with LOCK:
        HITS.append(request)
        for fault in FAULTS:
            if fault.get('count', 1) > 0 and re.search(fault.get('match', ''), request):
                fault['count'] = fault.get('count', 1) - 1
                return fault
    return {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def say(self, code, body=b'', headers=None):
        self.send_response(code)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def control(self, body):
        with LOCK:
            if self.command == 'PUT':
                FAULTS.append(json.loads(body))
            if self.command == 'DELETE':
                FAULTS.clear()
                HITS.clear()
        self.say(200, json.dumps(HITS).encode())

    def forward(self, body, fault):
        conn = http.client.HTTPConnection('127.0.0.1', UPSTREAM)
        headers = {}
        for key, value in self.headers.items():
            if key.lower() != 'connection':
                headers[key] = headers[key] + ', ' + value if key in headers else value
        conn.request(self.command, self.path, body, headers)
        reply = conn.getresponse()
        self.send_response(reply.status)
        for key, value in reply.getheaders():
            if key.lower() not in ('transfer-encoding', 'connection'):
                self.send_header(key, value)
        if reply.getheader('Content-Length') is None:
            self.send_header('Connection', 'close')
            self.close_connection = True
        self.end_headers()
        sent, rate = 0, fault.get('rate')
        while self.command != 'HEAD':
            part = reply.read(min(65536, rate or 65536))
            if not part:
                break
            if 'cut' in fault and sent + len(part) > fault['cut']:
                self.wfile.write(part[:fault['cut'] - sent])
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(part)
            sent += len(part)
            if rate:
                time.sleep(len(part) / rate)

    def handle_any(self):
        length = int(self.headers.get('Content-Length') or 0)
        body = self.rfile.read(length) if length else None
        if self.path == '/_fault':
            self.control(body)
            return
        fault = next_fault(self.command + ' ' + self.path)
        time.sleep(fault.get('delay', 0))
        if fault.get('status'):
            error = {'code': CODES.get(fault['status'], 'UNAVAILABLE'), 'message': 'injected'}
            self.say(fault['status'], json.dumps({'errors': [error]}).encode(), fault.get('headers', {}))
            return
        self.forward(body, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = handle_any


http.server.ThreadingHTTPServer(('127.0.0.1', LISTEN), Handler).serve_forever()

#!/usr/bin/python3
"""fakepodman.py SOCK SCRIPT.json: an engine that plays a script. Every request is logged to SOCK.log, one JSON array a line.

The script is a list of answers; the first whose "match" (regular expression on "METHOD path") fits is given:
status, headers, body   the answer (200, none, empty); a body that is no string is sent as JSON; a header null is left out
chunks, gap             a chunked body, seconds between the chunks; "cut": true ends it without the last chunk
delay                   seconds before the answer
hangup                  true: close without an answer
count                   give this answer only so often, then look further down the list
"""
import http.server
import json
import os
import re
import socketserver
import sys
import threading
import time

SOCK = sys.argv[1]
with open(sys.argv[2]) as script_file:
    SCRIPT = json.load(script_file)
LOG = open(SOCK + '.log', 'a', buffering=1)
LOCK = threading.Lock()
NOT_SCRIPTED = {'status': 404, 'body': {'cause': 'no such route', 'message': 'not scripted', 'response': 404}}


def pick(request):
    with LOCK:
        for answer in SCRIPT:
            if answer.get('count', 1) > 0 and re.search(answer['match'], request):
                if 'count' in answer:
                    answer['count'] -= 1
                return answer
    return NOT_SCRIPTED


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def address_string(self):
        return 'unix'

    def log_message(self, *args):
        pass

    def drop(self):
        self.connection.close()
        self.close_connection = True

    def handle_any(self):
        length = int(self.headers.get('Content-Length') or 0)
        body = self.rfile.read(length).decode('utf8', 'replace')
        LOG.write(json.dumps([self.command, self.path, body]) + '\n')
        answer = pick(self.command + ' ' + self.path)
        time.sleep(answer.get('delay', 0))
        if answer.get('hangup'):
            self.drop()
            return
        self.send_response(answer.get('status', 200))
        versions = {'Api-Version': '1.41', 'Libpod-Api-Version': '4.3.1'}
        for key, value in {**versions, **answer.get('headers', {})}.items():
            if value is not None:
                self.send_header(key, value)
        if 'chunks' in answer:
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for chunk in answer['chunks']:
                self.wfile.write(b'%x\r\n%s\r\n' % (len(chunk.encode()), chunk.encode()))
                self.wfile.flush()
                time.sleep(answer.get('gap', 0))
            if answer.get('cut'):
                self.drop()
                return
            self.wfile.write(b'0\r\n\r\n')
            return
        body = answer.get('body', '')
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = handle_any


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


try:
    os.unlink(SOCK)
except FileNotFoundError:
    pass
Server(SOCK, Handler).serve_forever()

#!/usr/bin/env python3
"""A user's server that is up to no good: its pages are for the scripts of hub-neighbours.test.mjs. `coop`
is of the origin's own browsing context group, `worker.js` a service worker for all paths."""

import http.server
import os
import socketserver
import urllib.parse

WORKER = b"""addEventListener('install', () => skipWaiting());
addEventListener('fetch', (event) => event.respondWith(new Response('stolen')));"""


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        worker = self.path.endswith("worker.js")
        body = WORKER if worker else b"<!doctype html><title>mine</title><body>mine"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if worker else "text/html")
        self.send_header("Content-Length", str(len(body)))
        if worker:
            self.send_header("Service-Worker-Allowed", "/")
        if self.path.endswith("coop"):
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


url = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
Server((url.hostname, url.port), Answers).serve_forever()

"""Stands in for jupyterhub-singleuser where only its hub is looked at: `singleuser.py PROFILE`.

quick    answers at once
slow     answers after three seconds
broken   says why and ends with status 7
stubborn takes two seconds to end
"""

import http.server
import os
import signal
import sys
import time
import urllib.parse

profile = sys.argv[1] if len(sys.argv) > 1 else "quick"
print(f"singleuser {profile} for {os.environ.get('JUPYTERHUB_USER')}", file=sys.stderr, flush=True)
if profile == "broken":
    print("the disk is full", file=sys.stderr, flush=True)
    sys.exit(7)
if profile == "slow":
    time.sleep(3)


def end(*_):
    if profile == "stubborn":
        time.sleep(2)
    os._exit(0)


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "5.0.0")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, end)
where = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
http.server.ThreadingHTTPServer((where.hostname, where.port), Api).serve_forever()

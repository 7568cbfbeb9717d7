#!/usr/bin/env python3
"""A single-user server for tests: reads the environment that a hub gives to jupyterhub-singleuser
(JUPYTERHUB_*), answers below its prefix, and lets people in by OAuth as that does, in a fraction of
its time and memory.

    {prefix}api       {"version": …}, open: the hub's probe
    {prefix}whoami    the hub's model of who asks; redirects to the hub without a cookie or token
    {prefix}env       the JUPYTERHUB_* variables and a few more, for the owner
    {prefix}…         anything else: text, to those who may

What the user's name begins with decides how it starts: `dies` prints a few lines and exits with 3,
`slow` listens once the file `go` is in its home, `never` does not listen at all, `lingers` takes a
second and a half to end. STUB_PKCE=1: sends a
challenge, as version 6 does."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import secrets
import signal
import socketserver
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ENV = os.environ
PREFIX = ENV["JUPYTERHUB_SERVICE_PREFIX"]
API = ENV["JUPYTERHUB_API_URL"]
TOKEN = ENV["JUPYTERHUB_API_TOKEN"]
CLIENT = ENV["JUPYTERHUB_CLIENT_ID"]
CALLBACK = ENV.get("JUPYTERHUB_OAUTH_CALLBACK_URL") or PREFIX + "oauth_callback"
HUB = ENV.get("JUPYTERHUB_BASE_URL", "/") + "hub/"
ACCESS = set(json.loads(ENV["JUPYTERHUB_OAUTH_ACCESS_SCOPES"]))
PKCE = ENV.get("STUB_PKCE") == "1"
COOKIE = "stub-token"

states = {}  # state: (where to go after, PKCE verifier)


def call_hub(method, url, form=None, body=None, token=TOKEN):
    """(status, JSON) of one call to the hub."""
    data = urllib.parse.urlencode(form).encode() if form else json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, method=method)
    request.add_header("Authorization", f"token {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read() or b"null")


def tell_activity():
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000Z"
    body = {"servers": {ENV["JUPYTERHUB_SERVER_NAME"]: {"last_activity": now}}, "last_activity": now}
    print("activity:", call_hub("POST", ENV["JUPYTERHUB_ACTIVITY_URL"], body=body)[0], flush=True)


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        print(self.command, self.path.partition("?")[0], flush=True)

    def answer(self, status, body, type_="application/json", **fields):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-JupyterHub-Version", "stub")
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def sent_token(self):
        word, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if word.lower() in ("token", "bearer"):
            return token
        for pair in (self.headers.get("Cookie") or "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE:
                return value
        return None

    def go_to_hub(self):
        state, verifier = secrets.token_urlsafe(), secrets.token_urlsafe(48)
        states[state] = (self.path, verifier if PKCE else None)
        query = {"client_id": CLIENT, "redirect_uri": CALLBACK, "response_type": "code", "state": state}
        if PKCE:
            digest = hashlib.sha256(verifier.encode()).digest()
            query["code_challenge"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            query["code_challenge_method"] = "S256"
        url = HUB + "api/oauth2/authorize?" + urllib.parse.urlencode(query)
        self.answer(302, b"", Location=url)

    def come_back(self, query):
        if "error" in query:
            self.answer(400, {"error": query["error"]})
            return
        after, verifier = states.pop(query["state"], (None, None))
        if not after:
            self.answer(403, {"error": "unknown state"})
            return
        form = {"client_id": CLIENT, "client_secret": TOKEN, "grant_type": "authorization_code",
                "code": query["code"], "redirect_uri": CALLBACK}
        if verifier:
            form["code_verifier"] = verifier
        status, said = call_hub("POST", API + "/oauth2/token", form)
        if status != 200:
            self.answer(500, said)
            return
        cookie = f"{COOKIE}={said['access_token']}; Path={PREFIX}; HttpOnly; SameSite=Lax"
        self.answer(302, b"", Location=after, Set_Cookie=cookie)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if not path.startswith(PREFIX):
            self.answer(404, {"error": "not below " + PREFIX})
        elif path == PREFIX + "api":
            self.answer(200, {"version": "stub"})
        elif path == PREFIX + "oauth_callback":
            self.come_back(dict(urllib.parse.parse_qsl(query)))
        else:
            self.meet(path)

    def meet(self, path):
        token = self.sent_token()
        if not token:
            self.go_to_hub()
            return
        status, model = call_hub("GET", API + "/user", token=token)
        if status != 200:
            self.answer(403, {"error": "unknown token"})
        elif not ACCESS & set(model["scopes"]):
            self.answer(403, {"error": "no access", "model": model})
        elif path == PREFIX + "whoami":
            self.answer(200, model)
        elif path == PREFIX + "env":
            self.answer(200, {k: v for k, v in ENV.items() if k.startswith("JUPYTERHUB_") or
                              k in ("HOME", "USER", "PATH", "MEM_LIMIT", "CPU_LIMIT") or
                              k.startswith(("STUB_", "TEST_", "CUDA_"))})
        else:
            self.answer(200, f"stub {self.path}\n".encode(), "text/plain")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def start():
    user = ENV["JUPYTERHUB_USER"]
    if user.startswith("dies"):
        print("reading the configuration\nno kernel is installed: giving up", file=sys.stderr, flush=True)
        sys.exit(3)
    if user.startswith("never"):
        time.sleep(3600)
    if user.startswith("slow"):
        go = pathlib.Path(ENV["HOME"], "go")
        while not go.exists():
            time.sleep(0.05)
    if user.startswith("lingers"):
        signal.signal(signal.SIGTERM, lambda *_: time.sleep(1.5) or os._exit(0))
    url = urllib.parse.urlsplit(ENV["JUPYTERHUB_SERVICE_URL"])
    server = Server((url.hostname or "", url.port), Answers)
    print(f"listening at {url.hostname}:{url.port}{PREFIX}", flush=True)
    threading.Thread(target=tell_activity, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    start()

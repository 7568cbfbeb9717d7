"""A scripted hub: ten thousand users, measures, logs, wrong answers. Answers are computed by plain
functions of the request, so that a test sees at a glance what the hub said."""

import http.server
import json
import threading
import time
import urllib.parse

PAGE = 200


class Pieces(list):
    """A body that comes in pieces: bytes, and seconds to wait between."""


class Hub:
    """users: a list of user models. answers: {"GET /path": (status, body[, fields])} before all else,
    or a function that returns that. asked: method, path and body of what came, in order."""

    def __init__(self, users=(), answers=None, token="s3cret", version="5.5.1"):
        self.users, self.answers, self.token, self.version = list(users), answers or {}, token, version
        self.asked = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                hub.answer(self)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length).decode()
        path = request.path.removeprefix("/hub/api")
        self.asked.append((request.command, path, body))
        status, answer, *fields = self.decide(request, path)
        pieces = answer if isinstance(answer, Pieces) else None
        if not isinstance(answer, (bytes, Pieces)):
            answer = json.dumps(answer).encode()
        request.send_response(status)
        if self.version:
            request.send_header("X-JupyterHub-Version", self.version)
        for name, value in fields[0].items() if fields else ():
            request.send_header(name, value)
        if pieces is None:
            request.send_header("Content-Length", str(len(answer)))
        else:
            request.send_header("Connection", "close")
        request.end_headers()
        for piece in pieces or [answer]:
            if isinstance(piece, (int, float)):
                time.sleep(piece)
            else:
                request.wfile.write(piece)
                request.wfile.flush()
        request.close_connection = pieces is not None

    def decide(self, request, path):
        bare, _, query = path.partition("?")
        for known in (f"{request.command} {path}", f"{request.command} {bare}"):
            if known in self.answers:
                answer = self.answers[known]
                return answer() if callable(answer) else answer
        if bare == "":
            return 200, {"version": self.version}
        if request.headers.get("Authorization") != f"token {self.token}":
            return 403, {"status": 403, "message": "Missing or invalid credentials."}
        if bare == "/user":
            return 200, {"kind": "user", "name": "operator", "admin": True, "scopes": ["self"]}
        if bare == "/users":
            return 200, self.page(urllib.parse.parse_qs(query))
        named = urllib.parse.unquote(bare.removeprefix("/users/"))
        for user in self.users:
            if user.get("name") == named:
                return 200, user
        return 404, {"status": 404, "message": "Not Found"}

    def page(self, query):
        offset, limit = int(query["offset"][0]), min(int(query["limit"][0]), PAGE)
        found = self.users
        if "name_filter" in query:
            found = [user for user in found if query["name_filter"][0].lower() in user["name"].lower()]
        if query.get("state", [""])[0] in ("ready", "active"):
            found = [user for user in found if user.get("servers")]
        after = offset + limit
        following = {"offset": after, "limit": limit} if after < len(found) else None
        return {"items": found[offset:after], "_pagination": {
            "offset": offset, "limit": limit, "total": len(found), "next": following}}


def user(name, **more):
    return {"kind": "user", "name": name, "admin": False, "roles": ["user"], "groups": [],
            "server": None, "pending": None, "created": "2026-01-02T03:04:05.000000Z",
            "last_activity": None, "servers": {}, **more}


def server(name="", **more):
    return {"name": name, "last_activity": "2026-11-01T00:00:00.000000Z",
            "started": "2026-11-01T00:00:00.000000Z", "pending": None, "ready": True, "stopped": False,
            "url": "/user/x/", "user_options": {}, "progress_url": "/hub/api/x", **more}

"""Calls of a Kubernetes API server, as a test makes them: JSON in, JSON out, a connection each."""

import base64
import contextlib
import http.client
import json
import socket
import ssl
import urllib.parse

PATIENCE = 30  # seconds of silence after which a server is taken for dead


class Refused(Exception):
    """An answer that is no success, with the Status object's reason where there is one."""

    def __init__(self, code, body):
        self.code = code
        try:
            status = json.loads(body)
            self.reason, self.message = status.get("reason", ""), status.get("message", "")
        except (ValueError, AttributeError):
            self.reason, self.message = "", body.decode(errors="replace")[:300]
        super().__init__(f"{code} {self.reason}: {self.message}")


class Calls:
    """Who calls (a token, a client certificate) and where. Any number of threads may share one."""

    def __init__(self, url, ca=None, token=None, certificate=None, key=None):
        self.url, self.ca, self.token = url, ca, token
        self.certificate, self.key = certificate, key
        self.at = urllib.parse.urlsplit(url)
        self.tls = ssl.create_default_context(cafile=ca) if self.at.scheme == "https" else None
        if certificate:
            self.tls.load_cert_chain(certificate, key)

    def open(self, method, path, body=None, kind="application/json", patience=PATIENCE, **query):
        """The answer whose body is yet to be read: a watch, a log that is followed. Its close()
        ends the connection too."""
        make = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        more = {"context": self.tls} if self.tls else {}
        connection = make(self.at.hostname, self.at.port, timeout=patience, **more)
        headers = {"Accept": "application/json", "Connection": "close"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection.connect()
        connection.request(method, path, body=body, headers=headers)
        # With "Connection: close" the answer owns the socket, and Watch.close() must reach it.
        sock = connection.sock
        answer = connection.getresponse()
        answer.sock = sock
        if answer.status >= 400:
            with contextlib.closing(answer):
                raise Refused(answer.status, answer.read())
        return answer

    def call(self, method, path, body=None, **more):
        """The object answered; Refused when it is none."""
        with contextlib.closing(self.open(method, path, body, **more)) as answer:
            text = answer.read()
        try:
            return json.loads(text)
        except ValueError:
            return text.decode(errors="replace")

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def find(self, path, **more):
        """The object, or None where there is none."""
        try:
            return self.get(path, **more)
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def post(self, path, body, **more):
        return self.call("POST", path, body, **more)

    def put(self, path, body, **more):
        return self.call("PUT", path, body, **more)

    def patch(self, path, body, kind="application/merge-patch+json", **more):
        return self.call("PATCH", path, body, kind=kind, **more)

    def delete(self, path, **more):
        """False when it was not there."""
        try:
            self.call("DELETE", path, **more)
        except Refused as refused:
            if refused.code == 404:
                return False
            raise
        return True

    def watch(self, path, **query):
        """Events (type, object) from a watch, until the server or close() ends it."""
        answer = self.open("GET", path, patience=600, watch="true", **query)
        return Watch(answer)


class Watch:
    def __init__(self, answer):
        self.answer = answer

    def __iter__(self):
        with contextlib.closing(self.answer):
            for line in self.answer:
                event = json.loads(line)
                yield event["type"], event["object"]

    def close(self):
        """Also from another thread: the one that reads sees the end."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.answer.sock, socket.SHUT_RDWR)


def decoded(secret):
    """A Secret's data as text."""
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in secret.get("data", {}).items()}

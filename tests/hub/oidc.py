"""A real provider of OpenID Connect as a process (oidc.mjs), with users and one confidential client,
and the way of a browser made of requests through its log-in page."""

import html
import json
import pathlib
import re
import secrets
import select
import subprocess
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 30

USERS = {
    "ada": {"password": "ada's own", "claims": {"name": "Ada", "groups": ["staff", "chess"]}},
    "bob": {"password": "bob's own", "claims": {"name": "Bob", "groups": ["students"]}},
}


class OidcProvider:
    """redirect_uris: where its client, the hub, takes browsers back. users: as in USERS; claims
    "email", "email_verified", "realm_access" are told, too."""

    def __init__(self, redirect_uris, users=None, **client):
        self.users = users or USERS
        self.client_id, self.client_secret = "hubgate", secrets.token_urlsafe(24)
        self.client = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uris": list(redirect_uris),
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "client_secret_basic",
            **client,
        }
        self.process = self.issuer = self.directory = None

    def start(self):
        self.directory = tempfile.TemporaryDirectory(prefix="oidc-")
        path = pathlib.Path(self.directory.name)
        settings = path / "settings.json"
        settings.touch(mode=0o600)
        settings.write_text(json.dumps({"clients": [self.client], "users": self.users}), encoding="utf-8")
        with open(path / "log", "wb") as log:
            self.process = subprocess.Popen(
                [str(ROOT / "build/venv/bin/node"), str(ROOT / "tests/hub/oidc.mjs"), str(settings)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=path)
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        port = self.process.stdout.readline().strip() if readable else b""
        if not port:
            text = self.log
            self.stop()
            raise AssertionError(f"the provider did not start\n{text}")
        self.issuer = f"http://127.0.0.1:{int(port)}"
        return self

    @property
    def log(self):
        return (pathlib.Path(self.directory.name) / "log").read_text(encoding="utf-8", errors="replace")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.directory.cleanup()
            self.process = None

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        self.stop()

    def hub_settings(self):
        """Keys of the hub's configuration, but for the secret: env() has it."""
        return {
            "authenticator": "oauth2",
            "oauth2_issuer": self.issuer,
            "oauth2_client_id": self.client_id,
            "oauth2_scopes": "openid profile email groups",
            "oauth2_groups_claim": "groups",
            "oauth2_callback_url": self.client["redirect_uris"][0],
        }

    def env(self):
        return {"HUBGATE_HUB_OAUTH2_CLIENT_SECRET": self.client_secret}

    def log_in(self, session, url, name, password=None, leave=False):
        """Takes a requests.Session that was sent to `url` through the provider's pages. Returns the
        last answer whose redirect leads away from the provider (its Location is the hub's callback),
        or the provider's page when it does not let go."""
        answer = self.follow(session, session.get(url, allow_redirects=False, timeout=PATIENCE_S))
        if answer.status_code != 200:
            return answer
        action = html.unescape(re.search(r'action="([^"]+)"', answer.text)[1])
        form = {"what": "leave"} if leave else {
            "what": "log in",
            "login": name,
            "password": self.users[name]["password"] if password is None else password,
        }
        answer = session.post(urllib.parse.urljoin(self.issuer, action), data=form,
                              allow_redirects=False, timeout=PATIENCE_S)
        return self.follow(session, answer)

    def follow(self, session, answer):
        """Redirects within the provider."""
        while "Location" in answer.headers:
            target = urllib.parse.urljoin(answer.url, answer.headers["Location"])
            if not target.startswith(self.issuer + "/"):
                break
            answer = session.get(target, allow_redirects=False, timeout=PATIENCE_S)
        return answer

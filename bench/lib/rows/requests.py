"""Small requests: what a user's browser asks for all day."""

from ..load import CONNECTIONS, wrk_row
from ..row import CPU, Bound, Row, Scenario

SCENARIOS = [
    Scenario([Row("keepalive", "keep-alive requests, 1 KiB", CPU, "requests/s",
                  f"{CONNECTIONS} connections")], wrk_row("keepalive", "plain")),
    Scenario([Row("browser", "browser-sized requests, 8 KiB", CPU, "requests/s",
                  "request head of 900 bytes with cookies")],
             wrk_row("browser", "browser", "/size/8k")),
    Scenario([Row("newconn", "new connection per request", CPU, "requests/s",
                  "Connection: close from the client")], wrk_row("newconn", "close")),
    Scenario([Row("access-log", "keep-alive requests with an access log", CPU, "requests/s",
                  "a line a request to a file")], wrk_row("access-log", "plain"), variant="log",
             peers=("hubgate", "nginx", "haproxy", "caddy"), floor=False, rounds=3),
]

BOUNDS = [
    Bound("keepalive", "relay", 1.0),
    Bound("keepalive", "nginx", 0.8),
    Bound("keepalive", "haproxy", 0.8),
    Bound("keepalive", "chp", 1 / 15),
    Bound("browser", "relay", 1.15),
    Bound("browser", "nginx", 0.8),
    Bound("newconn", "nginx", 0.9),
]

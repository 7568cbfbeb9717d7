"""The metrics page (CHP points 81-86) and our own series."""

import http.client

import pytest

import peers
import programs
from differences import differs


class Metrics:
    def __init__(self, port):
        self.port = port

    def call(self, path="/metrics", method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=peers.PATIENCE)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("content-type"), answer.read().decode()
        finally:
            connection.close()

    def values(self):
        """Series with labels as written -> value."""
        lines = [line for line in self.call()[2].splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def measured(kind, start):
    port = programs.free_port()
    proxy = start(kind, [f"--metrics-port={port}", "--metrics-ip=127.0.0.1"])
    return proxy, Metrics(port)


def test_where_the_page_is(measured):
    _, metrics = measured
    status, content_type, _ = metrics.call()
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert metrics.call("/")[0::2] == (404, "Not Found")
    assert metrics.call("/metrics?x")[0] == 404
    assert metrics.call(method="POST")[0] == 200


def test_counters(measured, upstream, ws_echo):
    proxy, metrics = measured
    before = metrics.values()
    for name in ("api_route_get", "api_route_add", "api_route_delete", "requests_ws", "requests_web"):
        assert name in before
    proxy.api.add("/a", upstream(peers.answering(peers.response("201 Made"))).url)
    proxy.api.add("/ws", ws_echo.url)
    proxy.api.delete("/none")
    proxy.api.routes()
    proxy.get("/a")
    proxy.get("/a")
    proxy.get("/none")
    proxy.get("/_chp_healthz")
    with peers.websocket(proxy.ws_url + "/ws") as ws:
        ws.send("x")
        ws.recv()

    def counted():
        after = metrics.values()
        return {name: after.get(name, 0) - before.get(name, 0) for name in after}

    expected = {
        "api_route_get": 1, "api_route_add": 2, "api_route_delete": 1, "requests_ws": 1,
        "requests_web": 3, 'requests_proxy{status="201"}': 2, 'requests_proxy{status="404"}': 1,
        'requests_api{status="201"}': 2, 'requests_api{status="404"}': 1,
        'requests_api{status="200"}': 1,
    }
    peers.wait_until(lambda: expected.items() <= counted().items(), f"counted {expected}", 5)
    assert 'requests_proxy{status="101"}' not in counted()


def test_summaries_and_process(kind, measured, upstream):
    proxy, metrics = measured
    proxy.api.add("/a", upstream().url)
    for _ in range(differs(kind, "sampled-summaries", 1, 64)):
        proxy.get("/a")
    values = metrics.values()
    for name in ("find_target_for_req", "last_activity_updating"):
        for quantile in ("0.01", "0.05", "0.5", "0.9", "0.95", "0.99", "0.999"):
            assert f'{name}{{quantile="{quantile}"}}' in values
        assert values[f"{name}_count"] >= 1 and f"{name}_sum" in values
    for name in ("process_cpu_user_seconds_total", "process_cpu_system_seconds_total",
                 "process_cpu_seconds_total", "process_start_time_seconds",
                 "process_resident_memory_bytes", "process_virtual_memory_bytes",
                 "process_open_fds", "process_max_fds"):
        assert values[name] > 0 or name.startswith("process_cpu")


def test_our_own_series(start, upstream, ws_echo):
    port = programs.free_port()
    proxy = start("hubgate", [f"--metrics-port={port}", "--metrics-ip=127.0.0.1", "--workers=1"])
    metrics = Metrics(port)
    proxy.api.add("/a", upstream().url)
    proxy.api.add("/ws", ws_echo.url)
    for _ in range(3):
        proxy.get("/a")
    with peers.websocket(proxy.ws_url + "/ws") as ws:
        ws.send("x")
        ws.recv()
        values = metrics.values()
        assert values["hubgate_websockets"] == 1
        assert values["hubgate_client_connections"] >= 1
        assert values["hubgate_upstream_pool_hits_total"] == 2
    peers.wait_until(lambda: metrics.values()["hubgate_websockets"] == 0, "the tunnel is counted out")
    peers.wait_until(lambda: metrics.values()["hubgate_client_connections"] == 0, "clients left")
    values = metrics.values()
    assert values["hubgate_websockets_total"] == 1
    assert any(name.startswith("hubgate_build_info{") for name in values)
    assert any(name.startswith("hubgate_exchanges_total{") for name in values)


def test_off_by_default(proxy):
    assert "metrics" not in proxy.stdout

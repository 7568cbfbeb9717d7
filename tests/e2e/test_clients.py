"""Programs that people use, on both sides: aiohttp as client and server, curl, http.client."""

import asyncio
import gzip
import hashlib
import http.client
import os
import subprocess
import threading

import aiohttp
import aiohttp.web
import pytest

import peers


class AioServer:
    """An aiohttp server in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        assert self.started.wait(peers.PATIENCE)

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.begin())
        self.started.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.runner.cleanup())

    async def begin(self):
        app = aiohttp.web.Application(client_max_size=1 << 30)
        app.router.add_get("/ws", self.websocket)
        app.router.add_get("/gzip", self.compressed)
        app.router.add_get("/stream", self.stream)
        app.router.add_route("*", "/sum", self.sum)
        self.runner = aiohttp.web.AppRunner(app)
        await self.runner.setup()
        site = aiohttp.web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = "http://127.0.0.1:%d" % site._server.sockets[0].getsockname()[1]

    async def websocket(self, request):
        ws = aiohttp.web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.type == aiohttp.WSMsgType.TEXT:
                await ws.send_str(message.data)
            else:
                await ws.send_bytes(message.data)
        return ws

    async def compressed(self, request):
        answer = aiohttp.web.Response(text="squeeze " * 10_000)
        answer.enable_compression()
        return answer

    async def stream(self, request):
        answer = aiohttp.web.StreamResponse()
        await answer.prepare(request)
        for number in range(100):
            await answer.write(b"%d\n" % number)
        await answer.write_eof()
        return answer

    async def sum(self, request):
        digest = hashlib.sha256()
        async for block in request.content.iter_any():
            digest.update(block)
        return aiohttp.web.Response(text=digest.hexdigest())

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(peers.PATIENCE)


@pytest.fixture(scope="module")
def server():
    running = AioServer()
    yield running
    running.stop()


@pytest.fixture
def site(proxy, server):
    proxy.api.add("/", server.url)
    return proxy


def with_session(work):
    """Runs work(session) of an aiohttp client."""

    async def run():
        timeout = aiohttp.ClientTimeout(total=peers.PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            return await work(session)

    return asyncio.run(run())


def test_aiohttp_over_one_session(site):
    async def work(session):
        async with session.get(site.url + "/gzip") as answer:
            assert answer.headers["Content-Encoding"] in ("gzip", "deflate")
            assert await answer.text() == "squeeze " * 10_000
        async with session.get(site.url + "/stream") as answer:
            assert await answer.read() == b"".join(b"%d\n" % n for n in range(100))
        async with session.get(site.url + "/none") as answer:
            assert answer.status == 404

    with_session(work)


def test_aiohttp_uploads_in_chunks(site):
    blocks = [os.urandom(100_000) for _ in range(20)]

    async def body():
        for block in blocks:
            yield block

    async def work(session):
        async with session.post(site.url + "/sum", data=body()) as answer:
            return await answer.text()

    assert with_session(work) == hashlib.sha256(b"".join(blocks)).hexdigest()


def test_aiohttp_many_at_once(site):
    async def one(session, number):
        data = b"%d" % number * 1000
        async with session.post(site.url + "/sum", data=data) as answer:
            assert await answer.text() == hashlib.sha256(data).hexdigest()

    async def work(session):
        await asyncio.gather(*(one(session, number) for number in range(200)))

    with_session(work)


def test_aiohttp_websocket(site):
    async def work(session):
        async with session.ws_connect(site.url + "/ws", compress=15) as ws:
            for message in ("short", "long " * 50_000):
                await ws.send_str(message)
                assert await ws.receive_str() == message
            await ws.send_bytes(b"\x00" * 100_000)
            assert await ws.receive_bytes() == b"\x00" * 100_000

    with_session(work)


def test_curl_uploads_a_file(site, tmp_path):
    """curl asks with Expect: 100-continue for a body of this size."""
    data = os.urandom(3 << 20)
    (tmp_path / "file").write_bytes(data)
    command = ["curl", "-sS", "--max-time", "30", "-T", str(tmp_path / "file"), "-X", "POST",
               "-H", "Expect: 100-continue", site.url + "/sum"]
    out = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert out.stdout.decode() == hashlib.sha256(data).hexdigest()


def test_curl_over_one_connection(site):
    command = ["curl", "-sS", "--max-time", "30", "--compressed", "-w", "%{num_connects}\n",
               "-o", "/dev/null", site.url + "/gzip", "-o", "/dev/null", site.url + "/stream"]
    out = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert out.stdout.split() == [b"1", b"0"]


def test_http_client(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=peers.PATIENCE)
    for _ in range(3):
        connection.request("GET", "/gzip", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        assert gzip.decompress(answer.read()) == b"squeeze " * 10_000
    connection.close()

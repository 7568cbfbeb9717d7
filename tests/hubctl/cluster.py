"""A scripted API server, for what a real one without nodes cannot do: commands in containers over
WebSockets (v5.channel.k8s.io, v4), logs, measures. Commands are processes here, with a terminal where
one was asked for."""

import asyncio
import contextlib
import fcntl
import itertools
import json
import os
import pty
import ssl
import struct
import termios
import threading

import yaml
from aiohttp import WSMsgType, web

TOKEN = "s3cret"
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


def pod(user, server="", name=None, namespace="hub", containers=("notebook",), **status):
    name = name or f"jupyter-{user}" + (f"--{server}" if server else "")
    keys = {"hub.jupyter.org/username": user, "hub.jupyter.org/servername": server}
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "labels": keys,
                         "annotations": keys if server else {"hub.jupyter.org/username": user},
                         "creationTimestamp": "2026-11-01T00:00:00Z"},
            "spec": {"nodeName": "node1", "containers": [
                {"name": each, "image": f"{each}:1", "resources": {"limits": {"memory": "1Gi"}}} for each in containers]},
            "status": {"phase": "Running", "containerStatuses": [
                {"name": each, "ready": True, "restartCount": 0, "state": {"running": {}}} for each in containers],
                **status}}


def refusal(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": message}


def exit_status(code):
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": f"command terminated with non-zero exit code: exit status {code}",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}


class Cluster:
    """pods, measures (None: no metrics.k8s.io), protocol (the newest it speaks), refuse (a Status for exec),
    ending (of exec: None as the command ends, "cut" without a word, or bytes in place of a Status), tokens that
    are good. asked: method, path and fields of what came; sizes that terminals were told, ended: stdins."""

    def __init__(self, pods=(), measures=None, protocol="v5", refuse=None, ending=None, tls=None, tokens=(TOKEN,)):
        self.pods, self.measures, self.protocol = list(pods), measures, protocol
        self.refuse, self.ending, self.tokens = refuse, ending, list(tokens)
        self.asked, self.sizes, self.ended = [], [], []
        self.forever = False  # whether logs that are followed have no end
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.serve, args=(tls, ready), daemon=True)
        self.thread.start()
        assert ready.wait(30)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def serve(self, tls, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.open(tls))
        ready.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.runner.cleanup())
        self.loop.close()

    async def open(self, tls):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0)
        await self.runner.setup()
        context = None
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.get("clients"))
            context.load_cert_chain(tls["certificate"], tls["key"])
            context.verify_mode = ssl.CERT_REQUIRED if tls.get("clients") else ssl.CERT_NONE
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def kubeconfig(self, path, user=None, **cluster):
        path.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": self.url, **cluster}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": "hub"}}],
            "users": [{"name": "lab", "user": user or {"token": TOKEN}}]}), encoding="utf-8")
        return path

    # ---- answers ----

    async def answer(self, request):
        self.asked.append((request.method, request.path_qs, dict(request.headers)))
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given not in self.tokens:
            return web.json_response(refusal(401, "Unauthorized", "Unauthorized"), status=401)
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["apis", "metrics.k8s.io"] and self.measures is not None:
            return web.json_response({"kind": "PodMetricsList", "items": self.measures})
        if parts[:3] == ["api", "v1", "namespaces"] and parts[4:5] == ["pods"]:
            if len(parts) == 5:
                return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [
                    pod for pod in self.pods if pod["metadata"]["namespace"] == parts[3]]})
            if parts[6] == "exec":
                return await self.exec(request)
            if parts[6] == "log":
                return await self.log(request)
        if parts[4:5] == ["events"]:
            return web.json_response({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": []})
        return web.Response(status=404, text="404 page not found")

    async def log(self, request):
        if request.query.get("container") == "starting":
            return web.json_response(refusal(400, "BadRequest", "container is waiting to start"), status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(f"log of {request.query['container']}\n\x1b[31mred\x1b[0m \x1b]0;x\x07\n".encode())
        if request.query.get("follow") == "true":
            for n in itertools.count() if self.forever else range(3):
                await asyncio.sleep(0.05)
                await response.write(f"more {n}\n".encode())
        return response

    # ---- exec ----

    async def exec(self, request):
        if self.refuse:
            return web.json_response(self.refuse, status=self.refuse["code"])
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.json_response(refusal(400, "BadRequest", "Upgrade request required"), status=400)
        protocols = [f"v{n}.channel.k8s.io" for n in range(int(self.protocol[1:]), 3, -1)]
        socket = web.WebSocketResponse(protocols=protocols)
        await socket.prepare(request)
        query = request.query
        run = self.run_with_terminal if query.get("tty") == "true" else self.run_with_pipes
        status = await run(socket, query.getall("command"), query.get("stdin") == "true")
        if self.ending == "cut":
            request.transport.abort()
        elif self.ending:
            await self.tell(socket, STATUS, self.ending)
        else:
            await self.tell(socket, STATUS, json.dumps(exit_status(status)).encode())
        await socket.close()
        return socket

    async def tell(self, socket, stream, data):
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes([stream]) + data)

    async def pour(self, socket, stream, reader):
        while data := await reader.read(65536):
            await self.tell(socket, stream, data)

    async def take(self, socket, write, end):
        """Messages of the client: what its stdin says, sizes, its end."""
        async for message in socket:
            if message.type != WSMsgType.BINARY or not message.data:
                continue
            stream, data = message.data[0], message.data[1:]
            if stream == STDIN:
                await write(data)
            elif stream == RESIZE:
                self.sizes.append(json.loads(data))
            elif stream == CLOSE and data == bytes([STDIN]):
                self.ended.append("stdin")
                end()
        end()

    async def run_with_pipes(self, socket, command, has_input):
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe if has_input else asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        except OSError:
            await self.tell(socket, STDERR, f"exec: {command[0]}: not found\n".encode())
            return 127

        async def write(data):
            process.stdin.write(data)
            with contextlib.suppress(ConnectionError):
                await process.stdin.drain()

        def end():
            if process.stdin:
                process.stdin.close()

        taking = asyncio.ensure_future(self.take(socket, write, end))
        await asyncio.gather(self.pour(socket, STDOUT, process.stdout), self.pour(socket, STDERR, process.stderr))
        status = await process.wait()
        taking.cancel()
        return status

    async def run_with_terminal(self, socket, command, _has_input):
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        reader = asyncio.StreamReader()
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(ours), "rb"))

        async def write(data):
            os.write(ours, data)

        async def sized():
            seen = 0
            while True:
                for size in self.sizes[seen:]:
                    seen += 1
                    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", size["Height"], size["Width"], 0, 0))
                await asyncio.sleep(0.01)

        others = [asyncio.ensure_future(self.take(socket, write, lambda: None)), asyncio.ensure_future(sized())]
        with contextlib.suppress(OSError):
            await self.pour(socket, STDOUT, reader)
        status = await process.wait()
        for other in others:
            other.cancel()
        os.close(ours)
        return status

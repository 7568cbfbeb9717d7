"""The kubelet's own server, which the API server calls for logs and exec."""

import contextlib
import http.server
import json
import ssl
import threading
import urllib.parse

import exec_streams


def start(kubelet):
    server = Server((kubelet.address, kubelet.port), Handler, bind_and_activate=False)
    server.socket.close()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = kubelet.namespace.plane.authority.sign(
        "kubelet", f"/CN=system:node:{kubelet.node}", [kubelet.address], into=kubelet.folder)
    tls.load_cert_chain(certificate, key)
    server.socket, server.tls, server.kubelet = kubelet.listener, tls, kubelet
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    return server


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, client_address):
        # In the connection's own thread, so that a slow hand-shake holds up nobody.
        with contextlib.suppress(OSError):
            super().finish_request(self.tls.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request, client_address):
        pass  # a client that leaves a followed log


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        at = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(at.query))
        match at.path.strip("/").split("/"):
            case ["containerLogs", _, pod, container]:
                self.logs(pod, container, query)
            case ["exec", _, pod, container]:
                self.exec(pod, container, urllib.parse.parse_qs(at.query))
            case ["pods"]:
                self.answer(200, json.dumps({"kind": "PodList", "items": [
                    worker.pod for worker in self.server.kubelet.workers.values()]}))
            case _:
                self.answer(404, "not found")

    do_POST = do_GET

    def exec(self, pod, name, query):
        worker = self.server.kubelet.worker(pod)
        one = next((one for one in worker.containers if one.name == name and one.process), None) if worker else None
        if not one:
            return self.answer(500, f'unable to upgrade connection: container not found ("{name}")')
        self.close_connection = True
        exec_streams.serve(self.connection, one, query)

    def answer(self, code, text):
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def logs(self, pod, name, query):
        worker = self.server.kubelet.worker(pod)
        found = [one for one in worker.inits + worker.containers if one.name == name] if worker else []
        if not found:
            return self.answer(404, f'pod "{pod}" does not exist on this node')
        one = found[0]
        lines = one.previous if query.get("previous") == "true" else one.lines
        if lines is None:
            return self.answer(400, f'previous terminated container "{name}" in pod "{pod}" not found')
        if not one.id:
            reason = one.state.get("waiting", {}).get("reason", "")
            text = f'container "{name}" in pod "{pod}" is waiting to start: {reason}'
            if reason not in ("ContainerCreating", "PodInitializing"):
                text = text.replace(reason, "image can't be pulled" if "Pull" in reason else reason)
            return self.answer(400, text)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.send_lines(lines, query)
        self.chunk(b"")

    def send_lines(self, lines, query):
        follow, stamps = query.get("follow") == "true", query.get("timestamps") == "true"
        left = int(query.get("limitBytes", 1 << 30))
        told = len(lines.list)
        had = lines.list[:told]
        if "tailLines" in query:
            had = had[max(0, len(had) - int(query["tailLines"])):]
        while True:
            for when, line in had:
                text = ((when.encode() + b" ") if stamps else b"") + line
                if text[:left]:  # an empty chunk would end the answer
                    self.chunk(text[:left])
                left -= len(text)
                if left <= 0:
                    return
            if not follow:
                return
            had = lines.since(told)
            told += len(had)
            if not had:
                return

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

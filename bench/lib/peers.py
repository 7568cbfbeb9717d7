"""The peers: how each proxy is started, from its configuration in bench/peers/."""

import re
import resource
from pathlib import Path

from . import rig

HERE = Path(__file__).resolve().parent.parent
PROJECT = HERE.parent
TOKEN = "bench-token"
CLIENTS = 5000  # at once, that a peer has room for; each has a second connection, to the origin


def fill(template, words):
    """The configuration with its @WORDS@ replaced."""
    text = (HERE / "peers" / template).read_text()
    return re.sub(r"@([A-Z_]+)@", lambda match: str(words[match[1]]), text)


def arguments(template, words):
    lines = fill(template, words).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class Running:
    """A started proxy: its process, and where it serves what."""

    def __init__(self, peer, process, http=None, https=None, ws=None, api=None):
        self.peer, self.process = peer, process
        self.http, self.https, self.api = http, https, api
        self.ws = ws or http

    def stop(self):
        self.process.stop()


class Peer:
    name = title = ""
    programs = ()  # it is started or installed with
    floor = False  # no proxy: it copies bytes and understands none
    tools = ()  # of bench/, built for it
    warm_up = 1  # seconds of load before anything counts
    rows = ()  # keys of those it makes sense for; empty: all

    def version(self):
        raise NotImplementedError

    def start(self, bench, variant):
        raise NotImplementedError


class Hubgate(Peer):
    name = title = "hubgate"

    def program(self):
        return PROJECT / "build/hubgate"

    def version(self):
        return rig.run([self.program(), "--version"]).strip()

    def start(self, bench, variant):
        return start_with_api(self, bench, variant, [self.program()], "hubgate.args")


class Chp(Peer):
    name, title = "chp", "configurable-http-proxy"
    programs = ("node", "npm")
    VERSION = "5.3.0"
    warm_up = 4  # node's compiler takes three: after one, TLS requests cost half as much again

    def program(self):
        return PROJECT / "build/node/node_modules/configurable-http-proxy"

    def install(self, forbidden):
        if (self.program() / "package.json").exists():
            return
        if forbidden:
            raise rig.BenchError(f"{self.title} is not in build/node. Leave out --no-install, or "
                                 f"leave {self.name} out of --peers")
        home = PROJECT / "build/node"
        home.mkdir(parents=True, exist_ok=True)
        rig.run(["npm", "install", "--prefix", home, "--no-audit", "--no-fund", "--silent",
                 f"configurable-http-proxy@{self.VERSION}"], timeout=300)

    def version(self):
        return f"{self.VERSION} on node {rig.run(['node', '--version']).strip()}"

    def start(self, bench, variant):
        argv = ["node", self.program() / "bin/configurable-http-proxy"]
        return start_with_api(self, bench, variant, argv, "chp.args")


def start_with_api(peer, bench, variant, argv, template):
    """hubgate and configurable-http-proxy: same flags, one public port, plain or TLS."""
    port, api = rig.free_ports(2)
    words = {"PORT": port, "API": api, "ORIGIN": bench.origin_port,
             "LOG_LEVEL": "info" if variant == "log" else "warn", "WORKERS": bench.workers}
    argv = argv + arguments(template, words)
    if variant == "tls":
        argv += [f"--ssl-key={bench.tls_key}", f"--ssl-cert={bench.tls_cert}"]
    env = {"CONFIGPROXY_AUTH_TOKEN": TOKEN, "NODE_ENV": "production"}
    process = rig.Process([*bench.under, *argv], bench.cores.proxy, bench.log_path(peer.name),
                          env=env)
    running = Running(peer, process, api=api,
                      **({"https": port} if variant == "tls" else {"http": port}))
    try:
        process.wait_port(port)
        process.wait_port(api)
        bench.add_route(api, "/ws", f"http://127.0.0.1:{bench.ws_port}")
    except BaseException:
        running.stop()
        raise
    return running


class Configured(Peer):
    """A proxy with one configuration file that serves plain and TLS at once."""

    template = ""

    def command(self, bench, directory, config):
        raise NotImplementedError

    def words(self, bench, variant, directory):
        return {}

    def environment(self, bench, directory):
        return {}

    def start(self, bench, variant):
        http, https = rig.free_ports(2)
        directory = bench.directory(self.name)
        nofile = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        words = {"HTTP": http, "HTTPS": https, "ORIGIN": bench.origin_port,
                 "WS_ORIGIN": bench.ws_port, "DIR": directory, "TLS_CERT": bench.tls_cert,
                 "TLS_KEY": bench.tls_key, "TLS_PEM": bench.tls_pem, "NOFILE": nofile,
                 "WORKERS": bench.workers, "CLIENTS": CLIENTS, "CONNECTIONS": 2 * CLIENTS + 256}
        words.update(self.words(bench, variant, directory))
        config = directory / self.template
        config.write_text(fill(self.template, words))
        process = rig.Process([*bench.under, *self.command(bench, directory, config)],
                              bench.cores.proxy, bench.log_path(self.name),
                              env=self.environment(bench, directory))
        running = Running(self, process, http=http, https=https)
        try:
            process.wait_port(http)
        except BaseException:
            running.stop()
            raise
        return running


class Nginx(Configured):
    name = title = "nginx"
    programs = ("nginx",)
    template = "nginx.conf"

    def version(self):
        return rig.run(["/usr/sbin/nginx", "-v"]).strip().rpartition("/")[2]

    def words(self, bench, variant, directory):
        log = f"{directory}/access.log combined buffer=64k flush=1s" if variant == "log" else "off"
        return {"ACCESS_LOG": log}

    def command(self, bench, directory, config):
        # valgrind cannot talk to a worker that is another user
        alone = ["-g", "master_process off;"] if bench.under else []
        return ["/usr/sbin/nginx", "-p", directory, "-c", config, *alone]


class Haproxy(Configured):
    name = title = "haproxy"
    programs = ("haproxy",)
    template = "haproxy.cfg"

    def version(self):
        return rig.run(["/usr/sbin/haproxy", "-v"]).split()[2]

    def words(self, bench, variant, directory):
        if variant != "log":
            return {"LOG_GLOBAL": "# no log", "LOG_PROXY": "# no log"}
        return {"LOG_GLOBAL": "log stdout format raw local0",
                "LOG_PROXY": "log global\n    option httplog"}

    def command(self, bench, directory, config):
        return ["/usr/sbin/haproxy", "-db", "-f", config]


class Caddy(Configured):
    name = title = "caddy"
    programs = ("caddy",)
    template = "Caddyfile"

    def version(self):
        return rig.run(["caddy", "version"]).split()[0]

    def words(self, bench, variant, directory):
        return {"LOG": f"log {{\n\t\toutput file {directory}/access.log\n\t}}"
                       if variant == "log" else "# no access log"}

    def environment(self, bench, directory):
        return {"GOMAXPROCS": str(bench.workers), "XDG_CONFIG_HOME": str(directory),
                "XDG_DATA_HOME": str(directory)}

    def command(self, bench, directory, config):
        return ["caddy", "run", "--adapter", "caddyfile", "--config", config]


class Relay(Peer):
    """The floor: no proxy, a layer-4 relay of our own."""

    name, title = "relay", "relay (floor)"
    floor = True
    tools = ("relay",)
    flags = ()

    def version(self):
        return " ".join(("bench/relay.c", *self.flags))

    def start(self, bench, variant):
        http, ws = rig.free_ports(2)
        process = rig.Process([*bench.under, PROJECT / "build/bench/relay", *self.flags,
                               f"{http}:{bench.origin_port}", f"{ws}:{bench.ws_port}"],
                              bench.cores.proxy, bench.log_path(self.name))
        running = Running(self, process, http=http, ws=ws)
        try:
            process.wait_port(ws)
        except BaseException:
            running.stop()
            raise
        return running


class Splice(Relay):
    """The floor of what is long: the same relay, through pipes."""

    name, title, flags = "splice", "splice relay (floor)", ("--splice",)
    rows = ("download", "upload", "ws", "ws-32k")


PEERS = {peer.name: peer for peer in (Hubgate(), Chp(), Nginx(), Haproxy(), Caddy(), Relay(),
                                      Splice())}


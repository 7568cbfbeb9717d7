"""The rig: processes pinned to cores, free ports, and what the kernel knows about a process."""

import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """One line for a person: what failed, and what to do."""


def allow_descriptors(wanted=16384):
    """As many as the system lets us have, for everything started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted and os.geteuid() == 0:
        hard = wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def limits():
    """What bounds connections on this machine, for a person."""
    ports = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    return (f"{resource.getrlimit(resource.RLIMIT_NOFILE)[0]} descriptors a process (ulimit -n), "
            f"local ports {'-'.join(ports)}")


def free_ports(count):
    sockets = []
    for _ in range(count):
        probe = socket.socket()
        probe.bind(("127.0.0.1", 0))
        sockets.append(probe)
    ports = [probe.getsockname()[1] for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


def wait_for(condition, what, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: nothing after {seconds:.0f} s")
        time.sleep(0.02)


def port_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Cores:
    """One core for the proxy, the others for load and origin; all for both where they are shared,
    or where there is only one."""

    def __init__(self, shared=False):
        cores = sorted(os.sched_getaffinity(0))
        self.proxy = set(cores) if shared else {cores[-1]}
        self.load = set(cores) - self.proxy or self.proxy

    def __str__(self):
        load = ",".join(str(core) for core in sorted(self.load))
        return f"proxy on core {min(self.proxy)}, load and origin on {load}"


class Process:
    """A child of ours: pinned, logging to a file, gone when we are, ended with its children."""

    def __init__(self, argv, cores, log, env=None, stdin=subprocess.DEVNULL, stdout=None):
        libc = ctypes.CDLL(None)

        def prepare():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            os.sched_setaffinity(0, cores)

        self.name = Path(argv[0]).name
        self.log = Path(log)
        with open(self.log, "wb") as out:
            self.popen = subprocess.Popen(
                [str(arg) for arg in argv], stdin=stdin, stdout=stdout or out, stderr=out,
                env={**os.environ, **(env or {})}, preexec_fn=prepare, start_new_session=True)
        self.pid = self.popen.pid

    def pids(self):
        """The process and all its descendants."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    todo += [int(child) for child in children.read_text().split()]
                except OSError:
                    pass
        return found

    def wait_port(self, port):
        def ready():
            if self.popen.poll() is not None:
                tail = self.log.read_text(errors="replace").strip().splitlines()[-3:]
                raise BenchError(f"{self.name} ended with {self.popen.returncode}: "
                                 + " / ".join(tail))
            return port_open(port)
        wait_for(ready, f"{self.name} on port {port}")

    def cpu_seconds(self):
        """Time on a core of all threads of all its processes, from the scheduler's own count."""
        nanoseconds = 0
        for pid in self.pids():
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    nanoseconds += int(stat.read_text().split()[0])
                except OSError:
                    pass
        return nanoseconds / 1e9

    def memory(self):
        """Bytes of process memory: resident, and resident with shared pages divided."""
        total = {"rss": 0, "pss": 0}
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name.lower() in total:
                    total[name.lower()] += int(value.split()[0]) * 1024
        return total

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)  # its own session: whatever is left of it
        except ProcessLookupError:
            pass
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()


def core_busy_seconds(cores):
    """Time the cores were not idle, all processes of the machine together."""
    tick = os.sysconf("SC_CLK_TCK")
    busy = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name[:3] == "cpu" and name[3:].isdigit() and int(name[3:]) in cores:
            ticks = [int(value) for value in values[:8]]
            busy += sum(ticks) - ticks[3] - ticks[4]
    return busy / tick


class Meter:
    """What a running proxy spends while a `with` block runs."""

    def __init__(self, process, cores):
        self.process, self.cores = process, cores

    def __enter__(self):
        self.start = time.monotonic()
        self.busy_start = core_busy_seconds(self.cores.proxy)
        self.cpu_start = self.process.cpu_seconds()
        return self

    def __exit__(self, *exc):
        self.cpu = self.process.cpu_seconds() - self.cpu_start
        self.seconds = time.monotonic() - self.start
        busy = core_busy_seconds(self.cores.proxy) - self.busy_start
        # what others did on the proxy's core: it disturbs caches, not the count
        self.others = max(0.0, (busy - self.cpu) / self.seconds) if self.seconds else 0.0


def run(argv, cores=None, timeout=120, env=None, check=True):
    """Runs a command to its end and returns what it printed."""
    argv = [str(arg) for arg in argv]

    def prepare():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if cores:
            os.sched_setaffinity(0, cores)

    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, preexec_fn=prepare,
                              env={**os.environ, **(env or {})}, text=True, errors="replace")
    except FileNotFoundError:
        raise BenchError(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{argv[0]} did not end within {timeout} s") from None
    if check and done.returncode != 0:
        tail = " / ".join(done.stdout.strip().splitlines()[-3:])
        raise BenchError(f"{argv[0]} ended with {done.returncode}: {tail}")
    return done.stdout


def have(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None

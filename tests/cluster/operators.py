"""Who runs hubctl against the test cluster, and kubectl beside it. A test file takes the fixture by its name:
    from operators import operator  # noqa: F401"""

import contextlib
import os
import pathlib
import re
import subprocess
import threading

import pytest

import control_plane as planes
import kubeconfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
HUBCTL = pathlib.Path(os.environ.get("HUBCTL", ROOT / "build/hubctl")).absolute()
PATIENCE = float(os.environ.get("HUBCTL_PATIENCE", 60))


class Ran:
    def __init__(self, ended):
        self.status, self.out, self.err = ended.returncode, ended.stdout, ended.stderr
        assert not re.search(r"Sanitizer|runtime error:", self.err), self.err

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def error(self):
        assert len(self.err.splitlines()) == 1 and self.err.startswith("hubctl: "), self.err
        return self.err.strip()

    def columns(self, *titles):
        """The rows of a table, as their cells below these titles."""
        heads, *rows = [re.split(r" {3,}", line.rstrip()) for line in self.lines]
        return [[row[heads.index(title)] for title in titles] for row in rows]


class Operator:
    """Who runs hubctl and kubectl with one kubeconfig."""

    def __init__(self, config, home):
        self.config = config
        kept = {name: value for name, value in os.environ.items()
                if name in ("PATH", "LD_LIBRARY_PATH") or name.endswith("SAN_OPTIONS")}
        self.env = {**kept, "HOME": str(home), "KUBECONFIG": str(config)}

    def __call__(self, *words, status=0, **env):
        ran = Ran(subprocess.run([HUBCTL, *words], env={**self.env, **env}, capture_output=True, text=True,
                                 stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False))
        assert ran.status == status, f"{words}: {ran.status}\n{ran.out}{ran.err}"
        return ran

    def kubectl(self, *words):
        return Ran(subprocess.run([*planes.tool("kubectl"), *words], env=self.env, capture_output=True, text=True,
                                  timeout=PATIENCE, check=True))

    @contextlib.contextmanager
    def begin(self, *words, **env):
        """It ends with the block, whatever happens there."""
        with subprocess.Popen([HUBCTL, *words], env={**self.env, **env}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def operator(namespace, tmp_path):
    """Who may do all, in the namespace of the test; rewrite(user): somebody else."""
    def rewrite(user, **more):
        return kubeconfig.write(tmp_path / "config", namespace.plane, user, name="lab",
                                **{"namespace": namespace.name, **more})

    made = Operator(rewrite({"token": namespace.plane.token}), tmp_path)
    made.rewrite = rewrite
    return made


def read_line(process):
    """Its next line, or the test fails."""
    return read_until(process, "\n").split()


def read_until(process, text):
    """All that it has written, once the text is in it."""
    told = ""
    while text not in told:
        line = []
        thread = threading.Thread(target=lambda: line.append(process.stdout.readline()), daemon=True)
        thread.start()
        thread.join(PATIENCE)
        if not line or not line[0]:
            process.kill()
            pytest.fail(f"never said {text!r}: {told}{process.stderr.read()}")
        told += line[0]
    return told

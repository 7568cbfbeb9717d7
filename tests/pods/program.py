"""The program that the tests ask, build/pods/manifest."""

import json
import os
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PATH = os.environ.get("PODS_MANIFEST") or str(TOP / "build/pods/manifest")


class Program:
    """It, answering a task a line."""

    def __init__(self):
        self.process = subprocess.Popen([PATH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, task):
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the program ended with {self.process.wait()}"
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0


def printed(word):
    return subprocess.run([PATH, word], check=True, capture_output=True, text=True).stdout

"""`run-whole -- COMMAND...`: a whole cluster for as long as the command runs."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import control_plane
from whole.node import Node

node = Node(os.environ["HUBGATE_WHOLE"])
try:
    node.start()
    for archive in sorted((control_plane.ROOT / "build/images").glob("*.tar")):
        node.load(archive)
    environment = {**os.environ, "KUBECONFIG": str(node.config)}
    status = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
finally:
    node.close()
sys.exit(status)

"""What the test kubelet knows of images: it has none, and runs a container's command as a local
process. A test says which image is missing, pulled slowly, ends at once and so on:
`kubelet.images["quay.io/some/image:1"] = Image(pull_error="…")`."""

import dataclasses
import threading


def held():
    """A gate that stays shut until the test calls .set()."""
    return threading.Event()


def opened():
    gate = threading.Event()
    gate.set()
    return gate


@dataclasses.dataclass
class Image:
    entrypoint: list = None  # where the pod gives no command; its args come after it
    pull_error: str = ""  # the registry's answer: ErrImagePull, then ImagePullBackOff
    present: bool = False  # on the node already: nothing is pulled
    gate: threading.Event = dataclasses.field(default_factory=opened)  # pulling lasts until it is set
    size: int = 73_400_320
    config_error: str = ""  # CreateContainerConfigError with this message
    start_error: str = ""  # the runtime cannot start it: StartError, exit code 128
    ends: tuple = None  # (exit code, reason), instead of running: (137, "OOMKilled")


# Under these names, with any tag, for tests that need no more.
KNOWN = {
    "hubgate.test/idle": Image(),
    "hubgate.test/missing": Image(pull_error='rpc error: code = NotFound desc = failed to pull and unpack image '
                                  '"hubgate.test/missing:latest": not found'),
    "hubgate.test/misconfigured": Image(config_error='secret "not-there" not found'),
    "hubgate.test/unstartable": Image(start_error='exec: "tini": executable file not found in $PATH: unknown'),
    "hubgate.test/hungry": Image(ends=(137, "OOMKilled")),
    "hubgate.test/crashing": Image(ends=(1, "Error")),
    "hubgate.test/done": Image(ends=(0, "Completed")),
}


def find(name, own):
    """The test's own first, by its whole name; then a known one by its name without the tag."""
    repository = name.rsplit(":", 1)[0] if ":" in name.rsplit("/", 1)[-1] else name
    return own.get(name) or KNOWN.get(repository) or Image()

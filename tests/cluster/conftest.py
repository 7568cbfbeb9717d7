"""The harness's own tests use it as others do."""

from fixtures import *  # noqa: F401,F403

"""The real JupyterHub that hubctl is tested against; hubs.py starts it, and says by the environment
where. Servers are singleuser.py, but for the profile "jupyter"."""

import os
import sys
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

c = get_config()  # noqa: F821 (JupyterHub defines it)

here = Path(__file__).resolve().parent
state = Path(os.environ["HUBCTL_STATE"])
url = "http://127.0.0.1:"


class ProfileSpawner(SimpleLocalProcessSpawner):
    """What a hub of ours takes from its settings: profiles by their name."""

    home_dir_template = str(state / "home")

    async def start(self):
        profile = self.user_options.get("profile", "quick")
        if profile == "jupyter":
            self.cmd = [str(Path(sys.executable).parent / "jupyterhub-singleuser"), "--allow-root"]
        else:
            self.cmd = [sys.executable, str(here / "singleuser.py"), profile]
        # JupyterHub does not look whether the process is there while it waits for its answer.
        self.http_timeout = 2 if profile == "broken" else 60
        return await super().start()


c.JupyterHub.bind_url = url + os.environ["HUBCTL_PORT"]
c.JupyterHub.hub_bind_url = url + os.environ["HUBCTL_HUB_PORT"]
c.ConfigurableHTTPProxy.api_url = url + os.environ["HUBCTL_API_PORT"]
c.ConfigurableHTTPProxy.command = [os.environ["HUBCTL_PROXY"]]
c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{state / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = ProfileSpawner
c.JupyterHub.allow_named_servers = True
c.JupyterHub.cleanup_servers = True
c.JupyterHub.tornado_settings = {"slow_stop_timeout": 1, "slow_spawn_timeout": 2}
c.LocalProcessSpawner.term_timeout = 5
c.JupyterHub.services = [
    {"name": "operator", "api_token": os.environ["HUBCTL_OPERATOR_TOKEN"], "admin": True},
    {"name": "reader", "api_token": os.environ["HUBCTL_READER_TOKEN"]},
]
c.JupyterHub.load_groups = {"lab": {"users": []}}
c.JupyterHub.load_roles = [
    {"name": "operator", "services": ["operator"], "scopes": [
        "admin:users", "admin:servers", "admin:groups", "tokens", "proxy", "read:hub",
        "list:users", "list:groups", "read:services"]},
    {"name": "reader", "services": ["reader"], "scopes": ["list:users", "read:users:name"]},
]

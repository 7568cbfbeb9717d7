"""JupyterHub on one machine, for one person: what ./run and the browser tests start.

The one line about the proxy is `ConfigurableHTTPProxy.command`; the rest makes a hub that works for
root and for a normal user alike and creates no system users. Do not use it for people who must not
read each other's files: every server runs as the user who started the hub.

From the environment:
  PORT             where browsers connect, on 127.0.0.1
  HUBGATE          the proxy program
  HUBGATE_STATE    a directory for the hub's own files, private to this user
  HUBGATE_HOMES    a directory for the users' files
  HUBGATE_HUB_PORT, HUBGATE_API_PORT  two free ports on 127.0.0.1
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import default

c = get_config()  # noqa: F821 (JupyterHub defines it)

state = Path(os.environ["HUBGATE_STATE"]).resolve()
homes = Path(os.environ["HUBGATE_HOMES"]).resolve()
programs = Path(sys.executable).parent  # not resolved: the virtual environment's own bin/


class LocalSpawner(SimpleLocalProcessSpawner):
    """Gives every user a directory below HUBGATE_HOMES; a name like `../x` stays inside it."""

    @default("home_dir")
    def _default_home_dir(self):
        return str(homes / quote(self.user.name, safe="").replace(".", "%2E"))

    def make_preexec_fn(self, name):
        # Called in the hub; the directory must exist before the server starts in it.
        Path(self.home_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        return super().make_preexec_fn(name)


c.ConfigurableHTTPProxy.command = [os.environ["HUBGATE"]]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['HUBGATE_API_PORT']}"
c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")

c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['HUBGATE_HUB_PORT']}"
c.JupyterHub.db_url = f"sqlite:///{state / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = (state / "password").read_text().strip()
c.Authenticator.allow_all = True

c.JupyterHub.spawner_class = LocalSpawner
c.Spawner.cmd = [str(programs / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "PATH": f"{programs}:{os.environ['PATH']}",
    # By this mark ./run finds what a server left behind.
    "HUBGATE_RUN": os.environ.get("HUBGATE_RUN", ""),
}
c.Spawner.args = [
    # No questions to hosts on the internet: extensions, news, newer versions.
    "--LabApp.extension_manager=readonly",
    f"--LabApp.app_settings_dir={Path(__file__).resolve().parent / 'lab'}",
]
if os.geteuid() == 0:
    c.Spawner.args.append("--allow-root")

"""What goes wrong, or is made to go wrong, around the hub: it goes on, and keeps what it has."""

from concurrent.futures import ThreadPoolExecutor

import hubs


def test_named_server_started_again_while_it_is_removed(start_hub):
    hub = start_hub(servers_per_user_max=3)
    ada = hub.browser("lingers-ada")
    hub.start_server("lingers-ada", "lab")
    with ThreadPoolExecutor() as pool:
        removed = pool.submit(hub.api, "DELETE", "/users/lingers-ada/servers/lab", json={"remove": True})
        hubs.wait_for(lambda: hub.server("lingers-ada", "lab")["pending"] == "stop", "its stopping")
        again = pool.submit(ada.get, "/hub/spawn/lingers-ada/lab")
        assert removed.result().status_code in (202, 204)
        assert again.result().status_code == 302
    hub.wait_server("lingers-ada", "lab")
    hub.stop_server("lingers-ada", "lab")
    assert "lab" in hub.user("lingers-ada")["servers"]

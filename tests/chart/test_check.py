"""hub.yaml and the environment, as the chart makes them, are good to the real hub."""

import os
import subprocess

import pytest

import charts
import test_settings


def check(objects, folder, env=None):
    """What `hubgate-hub --check` says, with what the hub's container would have."""
    secret = next(objects.secret(name) for name, one in objects.of("Secret").items() if "hub.yaml" in one["data"])
    container = objects.container("Deployment", next(name for name in objects.of("Deployment") if not name.endswith("proxy")), "hub")
    given = {}
    for entry in container["env"]:
        source = entry.get("valueFrom", {}).get("secretKeyRef")
        given[entry["name"]] = secret.get(source["key"], charts.TOKEN) if source else entry["value"]
    config = folder / "hub.yaml"
    config.write_text(secret["hub.yaml"], encoding="utf-8")
    return subprocess.run([charts.HUB, "--config", config, "--check"], capture_output=True, text=True, timeout=30,
                          env={"PATH": os.environ["PATH"], "HOME": str(folder), **given, **(env or {})})


@pytest.mark.parametrize("way", test_settings.WAYS)
def test_every_way_to_log_in_is_good(way, tmp_path):
    said = check(charts.render(values={"hub": test_settings.WAYS[way][0]}), tmp_path)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("file", test_settings.Z2JH, ids=lambda file: file.stem)
def test_a_config_of_z2jh_makes_good_settings(file, tmp_path):
    said = check(charts.render(file), tmp_path)
    assert said.returncode == 0, said.stderr


def test_the_profiles_of_our_images_are_good(tmp_path):
    objects = charts.render(charts.ROOT / "deploy/images/singleuser/profiles.yaml")
    said = check(objects, tmp_path)
    assert said.returncode == 0, said.stderr
    pod = objects.one("DaemonSet", "continuous-image-puller")["spec"]["template"]["spec"]
    assert len(pod["initContainers"]) == 3, "each of them is pulled beforehand"


@pytest.mark.parametrize("path, value, names", [
    ("singleuser.memory.limit", "much", "singleuser: memory.limit"),
    ("singleuser.profileList", [{"display_name": "x", "kubespawner_override": {"mem_limitt": "1G"}}], "mem_limit"),
    ("hub.config.KubeSpawner.cpu_limitt", 1, "cpu_limit"),
    ("hub.settings.sesion_days", 1, "session_days"),
])
def test_what_the_schema_leaves_to_the_hub_is_refused_there(path, value, names, tmp_path):
    said = check(charts.render(values=charts.nested(path, value)), tmp_path)
    assert said.returncode != 0 and names in said.stderr, said.stderr

"""What a kubeconfig knows: contexts and use-context, beside kubectl where it is installed. No cluster is asked."""

import json
import os
import shutil
import subprocess

import pytest
import yaml

HEAD = """\
# written by hand
apiVersion: v1
kind: Config
current-context: lab  # for now
clusters:
- name: lab
  cluster: {server: "https://127.0.0.1:1"}
users:
- name: me
  user: {token: s3cret}
contexts:
"""
CONFIG = HEAD + """\
- name: prod
  context: {cluster: lab, user: me}
- name: lab
  context: {cluster: lab, user: me, namespace: hub}
"""
OTHER = """\
current-context: other
contexts:
- name: other
  context: {cluster: far, user: you}
- name: lab
  context: {cluster: hidden, user: hidden}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


def rows(ran):
    return [line.split() for line in ran.lines]


def test_contexts_as_kubectl_lists_them(run, config):
    assert rows(run("contexts", "--kubeconfig", str(config), status=0)) == [
        ["CURRENT", "NAME", "CLUSTER", "USER", "NAMESPACE"],
        ["*", "lab", "lab", "me", "hub"], ["prod", "lab", "me", "-"]]
    if shutil.which("kubectl"):
        told = subprocess.run(["kubectl", "config", "get-contexts"], capture_output=True, text=True, check=True,
                              env={"PATH": os.environ["PATH"], "KUBECONFIG": str(config)}).stdout
        assert [line.split() for line in told.splitlines()[1:]] == [
            ["*", "lab", "lab", "me", "hub"], ["prod", "lab", "me"]]


def test_names_data_and_a_filter(run, config):
    assert run("contexts", "-o", "name", KUBECONFIG=str(config), status=0).lines == ["lab", "prod"]
    assert run("contexts", "-o", "name", "--filter", "PR", KUBECONFIG=str(config)).lines == ["prod"]
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        told = read(run("contexts", "-o", form, KUBECONFIG=str(config), status=0).out)
        assert told[0] == {"name": "lab", "current": True, "cluster": "lab", "user": "me", "namespace": "hub",
                           "file": str(config)}
    assert "s3cret" not in run("contexts", "-o", "json", KUBECONFIG=str(config)).out


def test_files_laid_over_each_other(run, config, tmp_path):
    (tmp_path / "other").write_text(OTHER)
    files = f"{tmp_path / 'other'}:{tmp_path / 'missing'}:{config}"
    told = {context["name"]: context for context in json.loads(run("contexts", "-o", "json", KUBECONFIG=files).out)}
    assert [name for name, context in told.items() if context["current"]] == ["other"]
    assert told["lab"]["cluster"] == "hidden" and told["prod"]["file"] == str(config)


def test_the_home_has_one(run, config, tmp_path):
    (tmp_path / ".kube").mkdir()
    config.rename(tmp_path / ".kube/config")
    assert run("contexts", "-o", "name", status=0).lines == ["lab", "prod"]


def test_use_context_changes_one_line(run, config):
    assert run("use-context", "prod", "--kubeconfig", str(config), status=0).out == "the current context is prod\n"
    before, after = CONFIG.splitlines(), config.read_text().splitlines()
    assert [line for line in after if line not in before] == ['current-context: "prod"']
    assert len(after) == len(before)
    assert rows(run("contexts", KUBECONFIG=str(config)))[2][:2] == ["*", "prod"]


def test_use_context_of_a_file_that_says_none(run, config):
    config.write_text(CONFIG.replace("current-context: lab  # for now\n", ""))
    assert rows(run("contexts", KUBECONFIG=str(config), status=0))[1][0] == "lab"
    run("use-context", "lab", KUBECONFIG=str(config), status=0)
    assert yaml.safe_load(config.read_text())["current-context"] == "lab"


def test_no_such_context(run, config):
    ran = run("use-context", "pord", KUBECONFIG=str(config), status=1)
    assert "no context 'pord': there are 'prod', 'lab'" in ran.error
    assert config.read_text() == CONFIG


def test_no_kubeconfig(run, tmp_path):
    assert "KUBECONFIG names another" in run("contexts", status=1).error
    assert str(tmp_path / "x") in run("contexts", "--kubeconfig", str(tmp_path / "x"), status=1).error
    assert "x" in run("use-context", "lab", "--kubeconfig", str(tmp_path / "x"), status=1).error


@pytest.mark.parametrize("text, says", [
    ("contexts: [", "config:2"), ("- a\n- b\n", "config"), ("contexts: 7\n", "contexts"),
    (HEAD + "- {context: {cluster: lab}}\n", "name"), ("", "config"), ("a: b: c\n", "config:1"),
    ("contexts:\n- name: \"a\x1b[2Jb\"\n  context: {}\n", "config"),
])
def test_a_broken_file_is_said_in_a_line(run, config, text, says):
    config.write_text(text)
    ran = run("contexts", "--kubeconfig", str(config))
    if ran.status == 0:  # nothing is in it
        assert ran.error == "hubctl: no contexts" and not text
    else:
        assert says in ran.error and "s3cret" not in ran.error
    assert "\x1b" not in ran.out + ran.err


def test_a_file_that_cannot_be_written(run, config, tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "config.lock").write_text("")
    else:
        tmp_path.chmod(0o500)
    error = run("use-context", "prod", "--kubeconfig", str(config), status=1).error
    tmp_path.chmod(0o700)
    assert str(config) in error
    assert config.read_text() == CONFIG

"""The chart and a real API server: what it takes, what an upgrade leaves alone, what the hub may do there."""

import json

import pytest

import charts
import kubeconfig
import namespaces


class Release:
    """A release of the chart in a namespace, by helm."""

    def __init__(self, namespace, folder):
        self.namespace, self.folder = namespace, folder
        kubeconfig.write(folder / "config", namespace.plane, {"token": namespace.plane.token}, namespace=namespace.name)

    def helm(self, *arguments):
        said = charts.helm(*arguments, "-n", self.namespace.name, env={"KUBECONFIG": str(self.folder / "config")})
        assert said.returncode == 0, said.stderr
        return said.stdout

    def put(self, values=None, *flags):
        """Installs or upgrades; what helm says."""
        file = self.folder / "values.yaml"
        file.write_text(json.dumps(values or {}), encoding="utf-8")
        return self.helm("upgrade", "--install", "jhub", charts.CHART, "-f", file, *flags)

    def get(self, kind, name, group="v1"):
        return self.namespace.admin.find(self.namespace.path(kind, name, group))

    def secret(self):
        return {key: value for key, value in self.get("secrets", "hub")["data"].items() if key != "hub.yaml"}

    def generation(self, deployment):
        return self.get("deployments", deployment, "apps/v1")["metadata"]["generation"]


@pytest.fixture
def release(namespace, tmp_path):
    return Release(namespace, tmp_path)


def test_secrets_are_made_once_and_kept(release):
    services = {"hub": {"services": {"grader": {}}}}
    release.put(services)
    first = release.secret()
    release.put({**services, "cull": {"timeout": 60}})
    assert release.secret() == first
    release.put({"hub": {"services": {"grader": {}, "other": {}}}})
    then = release.secret()
    assert then.keys() - first.keys() == {"hub.services.other.apiToken"}
    assert {key: then[key] for key in first} == first


def test_a_given_secret_takes_the_place_of_one_that_was_made(release):
    release.put()
    first = release.secret()
    release.put({"proxy": {"secretToken": charts.TOKEN}})
    then = release.secret()
    changed = {key for key in first if first[key] != then[key]}
    assert changed == {"hub.config.ConfigurableHTTPProxy.auth_token"}


def test_an_upgrade_leaves_the_proxys_pod_alone(release):
    """Users' WebSockets go through it: only what it reads at its start replaces it."""
    release.put()
    proxy, hub = release.generation("proxy"), release.generation("hub")
    release.put()
    assert (release.generation("proxy"), release.generation("hub")) == (proxy, hub), "nothing was changed"
    release.put({"hub": {"config": {"Authenticator": {"admin_users": ["ada"]}}}, "cull": {"timeout": 60},
                 "singleuser": {"memory": {"limit": "2G"}}, "proxy": {"service": {"type": "NodePort"}}})
    assert release.generation("proxy") == proxy and release.generation("hub") > hub
    release.put({"proxy": {"secretToken": charts.TOKEN}})
    assert release.generation("proxy") > proxy


def test_a_dry_run_on_the_server_shows_what_an_upgrade_would_do(release):
    release.put()
    shown = release.put({"debug": {"enabled": True}}, "--dry-run=server")
    token = release.secret()["hub.config.ConfigurableHTTPProxy.auth_token"]
    assert f'hub.config.ConfigurableHTTPProxy.auth_token: "{token}"' in shown


def test_users_pods_and_claims_stay_when_the_release_goes(release):
    release.put()
    claim = {"metadata": {"name": "claim-ada", "labels": {"app": "jupyterhub", "component": "singleuser-storage"}},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    release.namespace.admin.post(release.namespace.path("persistentvolumeclaims"), claim)
    release.helm("uninstall", "jhub")
    assert release.get("deployments", "hub", "apps/v1") is None
    assert release.get("persistentvolumeclaims", "claim-ada") is not None


def rules_of(rules):
    return {(group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]
            for verb in rule["verbs"]}


def test_the_hubs_account_may_do_what_the_hub_asks_for_and_no_more(release):
    release.put()
    namespace = release.namespace
    hub = namespaces.Account(namespace, "hub").calls()

    def may(verb, resource, subresource="", group="", where=None):
        asked = {"spec": {"resourceAttributes": {"namespace": where or namespace.name, "verb": verb, "group": group,
                                                 "resource": resource, "subresource": subresource}}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return hub.post(path, {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", **asked})["status"]["allowed"]

    for resource in ("pods", "persistentvolumeclaims"):
        assert all(may(verb, resource) for verb in ("get", "list", "watch", "create", "delete"))
        assert not any(may(verb, resource) for verb in ("update", "patch", "deletecollection"))
    assert all(may(verb, "events") for verb in ("get", "list", "watch")) and may("get", "pods", "log")
    assert not may("create", "pods", "exec") and not may("get", "pods", group="metrics.k8s.io")
    for resource in ("secrets", "configmaps", "services", "serviceaccounts"):
        assert not any(may(verb, resource) for verb in ("get", "list", "create", "delete")), resource
    assert not may("list", "pods", where="default") and not may("list", "nodes")
    role = release.get("roles", "hub", "rbac.authorization.k8s.io/v1")["rules"]
    assert rules_of(role) == rules_of(namespaces.HUB_RULES), "other tests give their hubs these rights"


def test_the_notes_say_where_it_is_and_what_has_no_effect(release):
    said = release.put({"prePuller": {"hook": {"enabled": True}}, "scheduling": {"userScheduler": {"enabled": True}}})
    assert "kubectl" in said and f"-n {release.namespace.name} get svc proxy-public" in said
    assert 'hub.config.DummyAuthenticator.password' in said
    assert "prePuller.hook" in said and "scheduling.userScheduler" in said
    said = release.put({"ingress": {"enabled": True, "hosts": ["lab.example.org"],
                                    "tls": [{"hosts": ["lab.example.org"]}]},
                        "hub": {"db": {"type": "sqlite-memory"}, "config": {"DummyAuthenticator": {"password": "x"}}}})
    assert "https://lab.example.org/" in said and "forgotten" in said and "was made for you" not in said

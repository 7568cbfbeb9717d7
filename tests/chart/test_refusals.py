"""Values that are wrong, or cannot be done here, are refused with their path and what to use instead."""

import pytest

import charts

# path → (value, what the schema says there)
UNKNOWN = {
    "hubb": 1, "hub.imagee": 1, "hub.db.pvcc": 1, "proxy.chp.imag": 1, "proxy.https.host": [], "singleuser.memry": {},
    "singleuser.storage.dynamic.class": "x", "singleuser.memory.max": "1G", "scheduling.userPod": {}, "cull.idle": 1,
    "prePuller.image": {}, "ingress.host": "x", "httpRoute.gateway": {}, "rbac.enabled": True, "hub.fsGid": 1000,
    "hub.config.JupyterHub.db_url": "x", "hub.config.LDAPAuthenticator": {}, "hub.config.Authenticator.whitelist": [],
    "hub.services.x.roles": [], "hub.networkPolicy.egressAllowRules.all": True, "auth": {}, "debug.on": True,
}
WRONG = {
    "singleuser.memory.limit": [], "singleuser.cpu.limit": "two", "hub.concurrentSpawnLimit": -1, "singleuser.uid": "root",
    "hub.image.pullPolicy": "Sometimes", "proxy.service.type": "Public", "hub.allowNamedServers": "yes",
    "singleuser.storage.type": "nfs", "proxy.https.type": "acme", "hub.extraFiles": {"a/b": {}},
    "scheduling.userPods.nodeAffinity.matchNodePurpose": "must", "proxy.service.nodePorts.http": 70000,
    "hub.labels": {"a": 1}, "proxy.secretToken": "short", "hub.cookieSecret": "with blanks in it, which no secret has anyway",
    "ingress.hosts": "lab.example.org", "singleuser.extraEnv": "A=b", "hub.config.GitHubOAuthenticator.allowed_users": "ada",
    "imagePullSecret": {"create": True},
}
IMPOSSIBLE = {
    "hub.extraConfig.myConfig": ("c.Spawner.pre_spawn_hook = hook", "Instead of extraConfig"),
    "hub.db.type": ("postgres", "SQLite"),
    "hub.db.url": ("postgresql://x", "SQLite"),
    "hub.db.password": ("x", "SQLite"),
    "proxy.https": ({"enabled": True, "hosts": ["lab.example.org"], "letsencrypt": {"contactEmail": "a@example.org"}},
                    "cert-manager"),
    "proxy.https.enabled": (True, "cert-manager"),
    "proxy.service.disableHttpPort": (True, "no port"),
    "httpRoute.enabled": (True, "parentRefs"),
    "hub.config.JupyterHub.authenticator_class": ("ldapauthenticator.LDAPAuthenticator", "generic-oauth"),
    "hub.config.Authenticator.blocked_users": (["eve"], "allowed_users"),
    "hub.config.Authenticator.username_pattern": ("a.*", "allowed_users"),
    "hub.config.Authenticator.username_map": ({"a": "b"}, "username_claim"),
    "hub.config.Authenticator.allow_existing_users": (False, "delete"),
    "hub.services.x.command": (["python3"], "Deployment"),
    "hub.loadRoles.x.users": (["ada"], "admin_users"),
    "hub.loadRoles.x.services": (["nobody"], "hub.services has no nobody"),
}
NEEDS_CLASS = {
    "hub.config.GitHubOAuthenticator.allowed_organizations": (["org"], "github"),
    "hub.config.GitHubOAuthenticator.allowed_teams": (["org:team"], "github"),
    "hub.config.GoogleOAuthenticator.admin_google_groups": ({"example.org": ["x"]}, "google"),
    "hub.config.GoogleOAuthenticator.allowed_google_groups": ({"example.org": ["x"]}, "google"),
    "hub.config.GitLabOAuthenticator.allowed_project_ids": ([1], "gitlab"),
    "hub.config.SharedPasswordAuthenticator.admin_password": ("x", "shared-password"),
}


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_not_known_is_refused_with_its_path(path):
    said = charts.refused(charts.nested(path, UNKNOWN[path]))
    where, _, name = path.rpartition(".")
    assert f"at '/{where.replace('.', '/')}'".replace("'/'", "''") in said, said
    assert f"additional properties '{name}' not allowed" in said, said


@pytest.mark.parametrize("path", WRONG)
def test_what_has_the_wrong_type_is_refused_with_its_path(path):
    assert f"at '/{path.replace('.', '/')}" in charts.refused(charts.nested(path, WRONG[path]))


@pytest.mark.parametrize("path", IMPOSSIBLE)
def test_what_cannot_be_done_is_refused_with_what_to_use_instead(path):
    value, instead = IMPOSSIBLE[path]
    said = charts.refused(charts.nested(path, value))
    assert path.replace(".enabled", "") in said and instead in said, said


@pytest.mark.parametrize("path", NEEDS_CLASS)
def test_what_would_let_in_too_many_is_refused(path):
    """Of the class that is used; what another class has does not count, as in JupyterHub."""
    value, name = NEEDS_CLASS[path]
    said = charts.refused(charts.merged(charts.nested(path, value),
                                        charts.nested("hub.config.JupyterHub.authenticator_class", name)))
    assert path in said, said
    charts.render(values=charts.nested(path, value))


def test_empty_python_is_no_python():
    charts.render(values={"hub": {"extraConfig": {}}})
    charts.render(values={"hub": {"extraConfig": {"later": ""}}})


def test_a_file_of_data_names_its_form():
    said = charts.refused({"hub": {"extraFiles": {"x": {"mountPath": "/etc/x.conf", "data": {"a": 1}}}}})
    assert "extraFiles.x.data" in said

"""hub.yaml, as the values make it."""

import pathlib

import pytest
import yaml

import charts
import groups

Z2JH = sorted((pathlib.Path(__file__).parent / "z2jh").glob("*.yaml"))


def settings(**values):
    return charts.render(values=values).settings


def config(authenticator=None, **classes):
    given = {name: traits for name, traits in classes.items()}
    if authenticator:
        given["JupyterHub"] = {"authenticator_class": authenticator, **given.get("JupyterHub", {})}
    return {"config": given}


OAUTH = {"client_id": "id", "client_secret": "s3cret", "oauth_callback_url": "https://lab.example.org/hub/oauth_callback"}
WAYS = {
    "dummy": (config(), {"authenticator": "dummy"}),
    "dummy-by-class": (config("dummyauthenticator.DummyAuthenticator", Authenticator={"allow_all": True}),
                       {"authenticator": "dummy", "allow_all": True}),
    "shared-password": (config("shared-password", SharedPasswordAuthenticator={"user_password": "p"},
                               Authenticator={"admin_users": ["ada"], "allowed_users": ["grace"]}),
                        {"authenticator": "dummy", "admin_users": ["ada"], "allow_users": ["grace"]}),
    "password-file": (config("password-file"), {"authenticator": "password-file"}),
    "github": (config("github", GitHubOAuthenticator={**OAUTH, "allowed_users": ["ada"], "scope": ["read:user"]}),
               {"authenticator": "oauth2", "oauth2_preset": "github", "oauth2_client_id": "id", "allow_users": ["ada"],
                "oauth2_callback_url": OAUTH["oauth_callback_url"], "oauth2_scopes": ["read:user"]}),
    "gitlab": (config("oauthenticator.gitlab.GitLabOAuthenticator", OAuthenticator=OAUTH, GitLabOAuthenticator={
        "gitlab_url": "https://git.example.org", "allowed_gitlab_groups": ["physics/lab"], "admin_gitlab_groups": ["it"]}),
               {"authenticator": "oauth2", "oauth2_preset": "gitlab", "oauth2_base_url": "https://git.example.org",
                "allow_groups": ["physics/lab"], "admin_groups": ["it"]}),
    "google": (config("google", GoogleOAuthenticator=OAUTH, Authenticator={"allowed_users": ["ada@example.org"]}),
               {"authenticator": "oauth2", "oauth2_preset": "google", "allow_users": ["ada@example.org"]}),
    "google-of-a-domain": (config("google", GoogleOAuthenticator={**OAUTH, "hosted_domain": ["example.org"]},
                                  Authenticator={"allow_all": True}),
                           {"oauth2_preset": "google", "oauth2_domains": ["example.org"], "allow_all": True}),
    "generic": (config("generic-oauth", GenericOAuthenticator={
        **OAUTH, "login_service": "keycloak", "authorize_url": "https://sso.example.org/a",
        "token_url": "https://sso.example.org/t", "userdata_url": "https://sso.example.org/u",
        "username_claim": "email", "auth_state_groups_key": "oauth_user.groups", "manage_groups": True,
        "allowed_groups": ["students"], "admin_groups": ["staff"], "basic_auth_enabled": False}),
                {"authenticator": "oauth2", "oauth2_provider": "keycloak", "oauth2_authorize_url": "https://sso.example.org/a",
                 "oauth2_token_url": "https://sso.example.org/t", "oauth2_userinfo_url": "https://sso.example.org/u",
                 "oauth2_username_claim": "email", "oauth2_groups_claim": "groups", "allow_groups": ["students"],
                 "admin_groups": ["staff"], "oauth2_secret_in_body": True}),
    "the-hubs-own": ({"settings": {"authenticator": "header", "header_trusted": ["10.0.0.5"]}, "extraEnv":
                      {"HUBGATE_HUB_HEADER_SECRET": charts.TOKEN}, **config(Authenticator={"allow_all": True})},
                     {"authenticator": "header", "header_trusted": ["10.0.0.5"], "allow_all": True}),
}


@pytest.mark.parametrize("way", WAYS)
def test_authenticators_become_ways_to_log_in(way):
    hub, wanted = WAYS[way]
    got = settings(hub=hub)
    assert {key: got.get(key) for key in wanted} == wanted
    assert "oauth2_preset" not in got or got["oauth2_preset"] == wanted.get("oauth2_preset")


def test_secrets_are_in_the_environment_and_in_no_setting():
    objects = charts.render(values={"hub": WAYS["github"][0]})
    variables = {entry["name"]: entry["valueFrom"]["secretKeyRef"]["key"]
                 for entry in objects.container("Deployment", "hub")["env"]}
    assert variables == {"CONFIGPROXY_AUTH_TOKEN": "hub.config.ConfigurableHTTPProxy.auth_token",
                         "HUBGATE_HUB_COOKIE_SECRET": "hub.config.JupyterHub.cookie_secret",
                         "HUBGATE_HUB_OAUTH2_CLIENT_SECRET": "hub.config.OAuthenticator.client_secret"}
    assert objects.secret()["hub.config.OAuthenticator.client_secret"] == "s3cret"
    assert "s3cret" not in objects.secret()["hub.yaml"]


def test_a_more_special_class_wins():
    got = settings(hub=config("github", GitHubOAuthenticator={**OAUTH, "admin_users": ["ada"]},
                              OAuthenticator={"admin_users": ["grace"], "allow_all": True},
                              Authenticator={"admin_users": ["alan"], "allow_all": False},
                              GoogleOAuthenticator={"admin_users": ["eve"]}))
    assert got["admin_users"] == ["ada"] and got["allow_all"] is True


def test_limits_and_culling():
    got = settings(hub={"concurrentSpawnLimit": 0, "activeServerLimit": 100000000, "consecutiveFailureLimit": 0})
    assert got["concurrent_spawns_max"] == 10000 and got["active_servers_max"] == 100000000
    assert got["servers_per_user_max"] == 0 and got["consecutive_failures_max"] == 0
    assert settings(hub={"allowNamedServers": True})["servers_per_user_max"] == 1000
    assert settings(hub={"allowNamedServers": True, "namedServerLimitPerUser": 3})["servers_per_user_max"] == 3
    assert settings(hub=config(JupyterHub={"allow_named_servers": True, "active_server_limit": 7}))["active_servers_max"] == 7
    culled = {key: value for key, value in settings(cull={"timeout": 60, "every": 5, "maxAge": 7, "users": True}).items()
              if key.startswith("cull")}
    assert culled == {"cull_idle_timeout_s": 60, "cull_every_s": 5, "cull_max_age_s": 7, "cull_users": True}
    assert not [key for key in settings(cull={"enabled": False}) if key.startswith("cull")]


def test_jupyterhubs_own_traits():
    got = settings(hub=config(JupyterHub={
        "log_level": "WARN", "cookie_max_age_days": 0.5, "public_url": "https://lab.example.org/x/",
        "authenticate_prometheus": False, "admin_users": ["ada"]}))
    assert (got["log_level"], got["session_days"], got["public_url"]) == ("warn", 1, "https://lab.example.org")
    assert got["authenticate_prometheus"] is False and got["admin_users"] == ["ada"]
    assert settings(hub={"authenticatePrometheus": False})["authenticate_prometheus"] is False
    assert "authenticate_prometheus" not in settings()
    assert settings(debug={"enabled": True})["log_level"] == "debug"


def test_services_have_a_token_and_the_scopes_of_their_roles():
    objects = charts.render(values=groups.GROUPS["api-services"])
    services = {one["name"]: one for one in objects.settings["services"]}
    assert services["grader"] == {"name": "grader", "token_env": "TOKEN_GRADER", "url": "http://grader:9000",
                                  "oauth_no_confirm": True, "scopes": ["list:users", "read:servers"]}
    assert services["watch-dog"] == {"name": "watch-dog", "token_env": "TOKEN_WATCH_DOG", "admin": True}
    environment = {entry["name"]: entry["valueFrom"]["secretKeyRef"]["key"]
                   for entry in objects.container("Deployment", "hub")["env"]}
    assert environment["TOKEN_WATCH_DOG"] == "hub.services.watch-dog.apiToken"
    assert objects.secret()["hub.services.grader.apiToken"] == charts.TOKEN
    assert len(objects.secret()["hub.services.nothing.apiToken"]) == 64


def test_singleuser_is_passed_as_it_was_written():
    given = yaml.safe_load(Z2JH[-1].read_text(encoding="utf-8"))["singleuser"]
    got = charts.render(Z2JH[-1]).settings["singleuser"]
    assert got["profileList"] == given["profileList"] and got["extraEnv"] == given["extraEnv"]
    assert got["storage"]["extraVolumes"] == given["storage"]["extraVolumes"]
    assert got["memory"] == given["memory"] and got["cpu"] == given["cpu"]
    assert got["extraNodeAffinity"]["required"] == [{"matchExpressions": [
        {"key": "hub.jupyter.org/node-purpose", "operator": "In", "values": ["user"]}]}]
    assert [one["key"] for one in got["extraTolerations"]] == ["hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated"]
    assert "networkPolicy" not in got
    assert not [key for key, value in got.items() if value is None], "null takes a default of the hub's away"


def test_what_was_taken_away_with_null_is_said_to_be_null():
    """Helm drops it, and the hub would put the default in its place."""
    got = settings(singleuser={"cmd": None, "uid": None, "memory": {"guarantee": None}})["singleuser"]
    assert (got["cmd"], got["uid"], got["memory"]["guarantee"]) == (None, None, None)


def test_kubespawners_traits_are_laid_over():
    got = settings(hub=config(Spawner={"http_timeout": 60, "debug": False}, KubeSpawner={"debug": True, "delete_pvc": True}))
    assert got["kubespawner"].items() >= {"http_timeout": 60, "debug": True, "delete_pvc": True}.items()


def test_servers_may_do_no_more_than_they_need_unless_somebody_asks():
    unprivileged = {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    assert settings()["kubespawner"] == {"container_security_context": unprivileged}
    for asks in ({"singleuser": {"uid": 0}}, {"singleuser": {"uid": None}}, {"singleuser": {"allowPrivilegeEscalation": True}},
                 {"singleuser": {"profileList": [{"display_name": "root", "kubespawner_override": {"uid": 0}}]}},
                 {"hub": config(KubeSpawner={"privileged": True})}):
        assert "container_security_context" not in settings(**asks)["kubespawner"]
    own = {"hub": config(KubeSpawner={"container_security_context": {"runAsUser": 7}})}
    assert settings(**own)["kubespawner"]["container_security_context"] == {"runAsUser": 7}


def test_types_stay_what_they_were():
    got = settings(singleuser={"extraEnv": {"A": "1", "B": "true", "C": "1e3"}, "extraLabels": {"x": "007"}, "uid": 100000})
    assert got["singleuser"]["extraEnv"] == {"A": "1", "B": "true", "C": "1e3"}
    assert got["singleuser"]["extraLabels"]["x"] == "007" and got["singleuser"]["uid"] == 100000


def test_the_hubs_own_settings_win():
    got = settings(hub={"settings": {"session_days": 3, "cull_groups": {"staff": {"idle_timeout_s": 0}}, "cull_every_s": 1}})
    assert got["session_days"] == 3 and got["cull_every_s"] == 1 and got["cull_groups"]["staff"] == {"idle_timeout_s": 0}


@pytest.mark.parametrize("file", Z2JH, ids=lambda file: file.stem)
def test_a_config_of_z2jh_installs_unchanged(file):
    objects = charts.render(file)
    assert objects.of("Deployment").keys() == {"hub", "proxy"}
    assert objects.settings["spawner"] == "kubernetes"

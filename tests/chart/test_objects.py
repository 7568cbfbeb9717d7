"""What the chart makes of its values, group by group."""

import pytest

import charts
import groups


def test_names_ports_and_containers_are_those_of_z2jh(rendered):
    objects = rendered("defaults")
    assert objects.of("Deployment").keys() == {"hub", "proxy"}
    ports = {name: [(port["name"], port["port"], port["targetPort"]) for port in one["spec"]["ports"]]
             for name, one in objects.of("Service").items()}
    assert ports == {"hub": [("hub", 8081, "http")], "proxy-api": [("api", 8001, "api")],
                     "proxy-public": [("http", 80, "http")]}
    assert objects.one("Service", "proxy-public")["spec"]["type"] == "LoadBalancer"
    hub, proxy = objects.container("Deployment", "hub", "hub"), objects.container("Deployment", "proxy", "chp")
    assert [(port["name"], port["containerPort"]) for port in hub["ports"]] == [("http", 8081)]
    assert [(port["name"], port["containerPort"]) for port in proxy["ports"]] == [("http", 8000), ("api", 8001)]
    assert proxy["command"] == ["configurable-http-proxy"]
    assert objects.of("PersistentVolumeClaim").keys() == {"hub-db-dir"}
    for name in ("hub", "proxy"):
        assert objects.one("Deployment", name)["spec"]["strategy"]["type"] == "Recreate"


@pytest.mark.parametrize("group, hub, public, priority", [
    ("defaults", "hub", "proxy-public", "jhub-default-priority"),
    ("named", "lab-hub", "lab-proxy-public", "lab-default-priority"),
    ("named-by-release", "jhub-hubgate-hub", "jhub-hubgate-proxy-public", "jhub-hubgate-default-priority"),
    ("named-by-release-and-name", "jhub-physics-hub", "jhub-physics-proxy-public", "jhub-physics-default-priority"),
])
def test_objects_are_named_as_the_overrides_say(group, hub, public, priority):
    objects = charts.render(values=charts.merged(groups.GROUPS[group], groups.GROUPS["no-placeholders"]))
    assert hub in objects.of("Deployment") and public in objects.of("Service")
    assert priority in objects.of("PriorityClass")
    assert objects.one("Deployment", hub)["spec"]["template"]["spec"]["priorityClassName"] == priority
    assert f"--default-target=http://{hub}:8081" in objects.container("Deployment", hub[:-3] + "proxy")["args"]


def test_the_hub_may_do_what_it_asks_for_and_no_more(rendered):
    rules = rendered("defaults").one("Role", "hub")["rules"]
    may = {(group, resource): set(rule["verbs"]) for rule in rules for group in rule["apiGroups"]
           for resource in rule["resources"]}
    whole = {"get", "list", "watch", "create", "delete"}
    assert may == {("", "pods"): whole, ("", "persistentvolumeclaims"): whole,
                   ("", "events"): {"get", "list", "watch"}, ("", "pods/log"): {"get"}}
    metrics = rendered("own-account").one("Role", "hub")["rules"][-1]
    assert metrics == {"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["get", "list"]}
    assert rendered("own-account").one("RoleBinding", "hub")["subjects"][0]["name"] == "robot"
    assert rendered("own-account").one("Deployment", "hub")["spec"]["template"]["spec"]["serviceAccountName"] == "robot"
    assert not {"Role", "RoleBinding", "ServiceAccount"} & {one["kind"] for one in rendered("no-rbac")}
    assert not any(one["kind"].startswith("Cluster") for group in groups.GROUPS for one in rendered(group))


def test_state_is_on_a_volume_or_none(rendered):
    def state(group):
        pod = rendered(group).one("Deployment", "hub")["spec"]["template"]["spec"]
        volume = next(volume for volume in pod["volumes"] if volume["name"] == "state")
        return volume, "hub-db-dir" in rendered(group).of("PersistentVolumeClaim")

    assert state("defaults") == ({"name": "state", "persistentVolumeClaim": {"claimName": "hub-db-dir"}}, True)
    assert state("state-in-memory") == ({"name": "state", "emptyDir": {}}, False)
    assert state("state-in-a-claim") == ({"name": "state", "persistentVolumeClaim": {"claimName": "mine"}}, False)
    mounts = rendered("state-in-a-claim").container("Deployment", "hub")["volumeMounts"]
    assert {"name": "state", "mountPath": "/srv/hub", "subPath": "hub"} in mounts
    claim = rendered("state-of-a-class").one("PersistentVolumeClaim", "hub-db-dir")["spec"]
    assert claim["storageClassName"] == "fast" and claim["resources"] == {"requests": {"storage": "5Gi"}}
    assert rendered("state-without-a-class").one("PersistentVolumeClaim", "hub-db-dir")["spec"]["storageClassName"] == ""
    assert "storageClassName" not in rendered("defaults").one("PersistentVolumeClaim", "hub-db-dir")["spec"]


def test_https_at_the_proxy(rendered):
    manual, secret = rendered("https-manual"), rendered("https-secret")
    for objects, name, key, crt in ((manual, "proxy-public-manual-tls", "tls.key", "tls.crt"),
                                    (secret, "wildcard", "k.pem", "c.pem")):
        proxy = objects.container("Deployment", "proxy")
        assert {"--port=8443", "--redirect-port=8000", "--redirect-to=443", f"--ssl-key=/etc/hubgate/tls/{key}",
                f"--ssl-cert=/etc/hubgate/tls/{crt}"} <= set(proxy["args"])
        assert proxy["livenessProbe"]["httpGet"] == {"path": "/_chp_healthz", "port": "https", "scheme": "HTTPS"}
        pod = objects.one("Deployment", "proxy")["spec"]["template"]["spec"]
        assert pod["volumes"][0]["secret"] == {"secretName": name, "defaultMode": 0o440}
        assert pod["securityContext"]["fsGroup"] == 65534, "the key is the group's to read"
        assert objects.settings["public_url"] == "https://lab.example.org"
    assert manual.secret("proxy-public-manual-tls")["tls.crt"] == groups.PEM.format("CERTIFICATE")
    assert manual.one("Secret", "proxy-public-manual-tls")["type"] == "kubernetes.io/tls"
    assert [port["name"] for port in manual.one("Service", "proxy-public")["spec"]["ports"]] == ["https", "http"]
    assert [port["name"] for port in secret.one("Service", "proxy-public")["spec"]["ports"]] == ["https"]
    offload = rendered("https-offload")
    assert "--port=8000" in offload.container("Deployment", "proxy")["args"]
    assert {port["targetPort"] for port in offload.one("Service", "proxy-public")["spec"]["ports"]} == {"http"}
    assert offload.settings["public_url"] == "https://lab.example.org"


def test_a_renewed_certificate_replaces_the_proxys_pod_and_little_else_does(rendered):
    def pod(**values):
        given = {"proxy": {"secretToken": charts.TOKEN}}
        return charts.render(values=charts.merged(given, values)).one("Deployment", "proxy")["spec"]["template"]

    assert pod() == pod(hub={"config": {"Authenticator": {"admin_users": ["ada"]}}, "image": groups.IMAGE},
                        singleuser={"image": groups.IMAGE}, cull={"timeout": 60})
    assert pod() != pod(proxy={"secretToken": charts.TOKEN[::-1]})
    https = groups.GROUPS["https-manual"]["proxy"]["https"]
    assert pod(proxy={"https": https}) != pod(proxy={"https": charts.merged(https, {"manual": {"cert": "other"}})})


def test_entries_lead_to_the_proxy(rendered):
    ingress = rendered("ingress").one("Ingress", "jupyterhub")["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == ["lab.example.org", "lab.example.com"]
    paths = ingress["rules"][0]["http"]["paths"]
    assert paths[0] == {"path": "/*", "pathType": "ImplementationSpecific",
                        "backend": {"service": {"name": "proxy-public", "port": {"name": "http"}}}}
    assert paths[1]["path"] == "/status" and ingress["ingressClassName"] == "nginx"
    assert rendered("ingress").settings["public_url"] == "https://lab.example.org"
    assert "host" not in rendered("ingress-of-any-host").one("Ingress", "jupyterhub")["spec"]["rules"][0]
    assert "public_url" not in rendered("ingress-of-any-host").settings
    route = rendered("http-route").one("HTTPRoute", "jupyterhub")["spec"]
    assert route["hostnames"] == ["lab.example.org"] and route["parentRefs"][0]["name"] == "gateway"
    assert route["rules"][0]["backendRefs"] == [{"name": "proxy-public", "port": 80}]
    assert not {"Ingress", "HTTPRoute"} & {one["kind"] for one in rendered("defaults")}


def test_a_base_url_is_everywhere(rendered):
    objects = rendered("base-url")
    assert objects.settings["base_url"] == "/jupyter/"
    assert objects.container("Deployment", "hub")["readinessProbe"]["httpGet"]["path"] == "/jupyter/hub/health"
    assert "--error-target=http://hub:8081/jupyter/hub/error" in objects.container("Deployment", "proxy")["args"]
    ingress = charts.render(values=charts.merged(groups.GROUPS["base-url"], {"ingress": {"enabled": True}}))
    assert ingress.one("Ingress", "jupyterhub")["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/jupyter/"


def test_policies_let_the_components_reach_each_other(rendered):
    """By the labels that who may connect carries, and the pods carry."""
    objects = rendered("defaults")
    policies = objects.of("NetworkPolicy")
    assert policies.keys() == {"hub", "proxy", "singleuser"}
    carried = {name: objects.one("Deployment", name)["spec"]["template"]["metadata"]["labels"]
               for name in ("hub", "proxy")}
    carried["singleuser"] = {**objects.settings["kube_labels"], "component": "singleuser-server",
                             **objects.settings["singleuser"]["extraLabels"]}

    def lets_in(policy, pod, port):
        spec = policies[policy]["spec"]
        assert spec["podSelector"]["matchLabels"].items() <= carried[policy].items()
        return any(
            port in [entry["port"] for entry in rule["ports"]] and
            any(peer["podSelector"]["matchLabels"].items() <= carried[pod].items() for peer in rule.get("from", []))
            for rule in spec["ingress"])

    def lets_out(policy, pod, port):
        return any(
            port in [entry["port"] for entry in rule.get("ports", [])] and
            any(peer.get("podSelector", {}).get("matchLabels", {"x": "y"}).items() <= carried[pod].items()
                for peer in rule["to"])
            for rule in policies[policy]["spec"]["egress"])

    ways = [("hub", "proxy", "api", 8001), ("hub", "singleuser", "notebook-port", 8888), ("proxy", "hub", "http", 8081),
            ("proxy", "singleuser", "notebook-port", 8888), ("singleuser", "hub", "http", 8081)]
    for source, target, name, port in ways:
        assert lets_in(target, source, name) and lets_out(source, target, port), (source, target)
    assert not lets_in("proxy", "singleuser", "api"), "users' programs must not change routes"
    assert not lets_in("singleuser", "singleuser", "notebook-port")
    assert {"ports": [{"port": "http"}, {"port": "https"}]} in policies["proxy"]["spec"]["ingress"]


def blocks(policy):
    return {peer["ipBlock"]["cidr"]: peer["ipBlock"].get("except", []) for rule in policy["spec"]["egress"]
            for peer in rule["to"] if "ipBlock" in peer and 53 not in [port["port"] for port in rule.get("ports", [])]}


def test_users_reach_the_world_and_neither_the_cluster_nor_its_metadata(rendered):
    policies = rendered("defaults").of("NetworkPolicy")
    world = blocks(policies["singleuser"])
    assert world.keys() == {"0.0.0.0/0", "::/0"}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.169.254/32"} == set(world["0.0.0.0/0"])
    assert {"10.0.0.0/8", "169.254.169.254/32"} <= blocks(policies["hub"]).keys(), "the API server is somewhere there"
    assert not rendered("no-policies").of("NetworkPolicy")
    least = rendered("policies-least").of("NetworkPolicy")
    assert all(not blocks(policy) for policy in least.values())
    more = rendered("policies-more").of("NetworkPolicy")
    assert all("198.51.100.0/24" in blocks(policy) for policy in more.values())
    assert all(groups.RULE in policy["spec"]["ingress"] for policy in more.values())
    peers = more["hub"]["spec"]["ingress"][0]["from"]
    assert peers[0]["namespaceSelector"] == {} and peers[1]["podSelector"] == {}


def test_priorities_and_placeholders_are_off_by_default(rendered):
    assert not {"PriorityClass", "StatefulSet"} & {one["kind"] for one in rendered("defaults")}
    objects = rendered("priorities")
    assert {name: one["value"] for name, one in objects.of("PriorityClass").items()} == {
        "jhub-default-priority": 0, "jhub-image-puller-priority": -5, "jhub-user-placeholder-priority": -10}
    assert objects.settings["kubespawner"]["priority_class_name"] == "jhub-default-priority"
    placeholder = objects.container("StatefulSet", "user-placeholder")
    assert placeholder["resources"] == {"requests": {"cpu": "0.5", "memory": "1G"}, "limits": {"cpu": "2", "memory": "4G"}}
    assert objects.one("StatefulSet", "user-placeholder")["spec"]["replicas"] == 2
    assert not rendered("no-placeholders").of("StatefulSet")


def test_the_puller_pulls_each_image_that_servers_run_once(rendered):
    def pulled(group):
        pod = rendered(group).one("DaemonSet", "continuous-image-puller")["spec"]["template"]["spec"]
        return [container["image"] for container in pod["initContainers"]]

    assert pulled("puller") == [
        "registry.example.org/lab:2026.1", "registry.example.org/init:1", "registry.example.org/cpu:1",
        "registry.example.org/gpu:1", "registry.example.org/torch:1"]
    values = charts.merged(groups.GROUPS["puller"], {"prePuller": {"pullProfileListImages": False}})
    few = charts.render(values=values).one("DaemonSet", "continuous-image-puller")["spec"]["template"]["spec"]
    assert len(few["initContainers"]) == 2
    as_map = charts.merged(groups.GROUPS["puller"], {"singleuser": {"profileList": {
        "b": groups.PROFILES[1], "a": groups.PROFILES[0]}}})
    assert pulled("puller") == [container["image"] for container in charts.render(values=as_map).one(
        "DaemonSet", "continuous-image-puller")["spec"]["template"]["spec"]["initContainers"]]
    assert not rendered("no-puller").of("DaemonSet")


def test_pull_secrets_reach_every_pod(rendered):
    objects = rendered("pull-secrets")

    def of(kind, name):
        return [entry["name"] for entry in objects.one(kind, name)["spec"]["template"]["spec"]["imagePullSecrets"]]

    common = ["all", "all-too", "image-pull-secret"]
    assert of("Deployment", "hub") == ["hubs", *common] and of("Deployment", "proxy") == ["proxys", *common]
    assert of("DaemonSet", "continuous-image-puller") == ["users", *common]
    assert objects.settings["singleuser"]["image"]["pullSecrets"] == ["users", *common]
    login = objects.secret("image-pull-secret")[".dockerconfigjson"]
    assert '"registry.example.org"' in login and '"auth":"YWRhOnMzY3JldA=="' in login


def test_extra_files_are_mounted_from_a_secret(rendered):
    objects = rendered("files")
    assert objects.secret()["file.course"] == '{"name":"statistics"}'
    mounts = objects.container("Deployment", "hub")["volumeMounts"]
    assert {"name": "files", "mountPath": "/etc/motd", "subPath": "motd", "readOnly": True} in mounts
    volume = next(volume for volume in objects.one("Deployment", "hub")["spec"]["template"]["spec"]["volumes"]
                  if volume["name"] == "files")
    assert {"key": "file.course", "path": "course", "mode": 0o440} in volume["secret"]["items"]
    user = objects.settings["singleuser"]
    assert user["extraFilesSecret"] == "singleuser" and user["extraFiles"]["motd"] == {"mountPath": "/etc/motd"}
    assert user["extraFiles"]["course"] == {"mountPath": "/etc/course/course.json", "mode": 0o440}
    assert objects.secret("singleuser")["motd"] == "Hello\n"


def test_the_hub_takes_what_else_is_given(rendered):
    objects = rendered("more-in-the-hub")
    hub = objects.container("Deployment", "hub", "hub")
    environment = {entry["name"]: entry for entry in hub["env"]}
    assert environment["NUMBER"]["value"] == "7" and environment["SECRET"]["valueFrom"]["secretKeyRef"]["name"] == "mine"
    assert hub["command"] == ["hubgate-hub", "--log-format=json"] and "livenessProbe" not in hub
    pod = objects.one("Deployment", "hub")["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["hub", "side"]
    assert pod["hostname"] == "hub" and pod["initContainers"][0]["name"] == "first"
    proxy = rendered("more-in-the-proxy").container("Deployment", "proxy")
    assert proxy["args"][-2:] == ["--auto-rewrite", "--custom-header=X-From: jhub"]
    assert "--default-target=http://elsewhere:8081" in proxy["args"]


def test_disruption_budgets_select_the_pods(rendered):
    budgets = rendered("disruption").of("PodDisruptionBudget")
    assert budgets["hub"]["spec"]["minAvailable"] == 1 and budgets["proxy"]["spec"]["maxUnavailable"] == 0
    assert budgets["proxy"]["spec"]["selector"]["matchLabels"]["component"] == "proxy"
    assert not rendered("defaults").of("PodDisruptionBudget")


def test_secrets_are_given_or_made(rendered):
    given = rendered("secrets-given").secret()
    assert given["hub.config.ConfigurableHTTPProxy.auth_token"] == charts.TOKEN
    assert given["hub.config.JupyterHub.cookie_secret"] == charts.TOKEN
    assert given["hub.config.DummyAuthenticator.password"] == "opensesame"
    made = rendered("defaults").secret()
    keys = ["hub.config.ConfigurableHTTPProxy.auth_token", "hub.config.JupyterHub.cookie_secret",
            "hub.config.DummyAuthenticator.password"]
    assert all(len(made[key]) == 64 and int(made[key], 16) for key in keys)
    assert len({made[key] for key in keys}) == 3
    assert not any(made[key] in made["hub.yaml"] for key in keys)
    elsewhere = rendered("secrets-elsewhere").container("Deployment", "hub")
    password = next(entry for entry in elsewhere["env"] if entry["name"] == "HUBGATE_HUB_DUMMY_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"] == {"name": "mine", "key": "hub.config.DummyAuthenticator.password"}


def test_helm_finds_nothing_to_complain_of():
    said = charts.helm("lint", "--strict", charts.CHART)
    assert said.returncode == 0 and "[WARNING]" not in said.stdout, said.stdout


def test_the_chart_has_few_templates():
    assert len(list((charts.CHART / "templates").iterdir())) <= 20

"""docs/admin/kubernetes.md tells people to write what works, in both languages."""

import re
import subprocess

import pytest
import yaml

import charts

ENGLISH, CHINESE = ((charts.ROOT / f"docs/admin/kubernetes{suffix}.md").read_text(encoding="utf-8")
                    for suffix in ("", ".zh-CN"))
PAGES = ENGLISH + (charts.ROOT / "docs/from-z2jh.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


@pytest.mark.parametrize("block", [block for block in blocks(ENGLISH, "yaml") if "kind: Pod" not in block],
                         ids=lambda block: block.split("\n", 1)[1].split(":")[0].strip())
def test_the_values_shown_are_good(block):
    objects = charts.render(values=yaml.safe_load(block))
    assert objects.settings["spawner"] == "kubernetes"


def test_the_pod_that_brings_a_backup_back_is_one_that_a_restricted_namespace_takes(make_namespace):
    namespace = make_namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})
    pod = next(yaml.safe_load(block) for block in blocks(ENGLISH, "yaml") if "kind: Pod" in block)
    namespace.admin.post(namespace.path("pods"), pod, dryRun="All", fieldValidation="Strict")
    claim = pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert claim in charts.render().of("PersistentVolumeClaim")


def bare(block):
    """Without comments, which speak the page's language."""
    return [line for line in (re.sub(r"(^|\s+)# .*$", "", line) for line in block.splitlines()) if line]


def test_both_languages_show_the_same():
    for language in ("sh", "yaml", "mermaid"):
        assert [bare(block) for block in blocks(ENGLISH, language)] == [bare(block) for block in blocks(CHINESE, language)]
    for pattern in (r"(?m)^#+ ", r"(?m)^\|"):
        assert len(re.findall(pattern, ENGLISH)) == len(re.findall(pattern, CHINESE)), f"{pattern}: one page has more"


def test_objects_that_the_guide_names_are_there():
    objects = charts.render()
    known = {f"{short}/{name}" for kind, short in (("Deployment", "deploy"), ("Service", "svc")) for name in objects.of(kind)}
    assert set(re.findall(r"\b(?:deploy|svc)/[a-z][a-z-]*", ENGLISH)) - {"deploy/chart", "deploy/images"} <= known
    keys = set(re.findall(r'\.data "([^"]+)"', ENGLISH)) - {"hub.services.grader.apiToken"}
    assert keys <= objects.secret().keys()
    for labels in re.findall(r"-l component=([a-z-]+)", PAGES):
        assert labels in {"hub", "proxy", "singleuser-server", "singleuser-storage"}


def test_verbs_of_hubctl_and_helm_are_theirs():
    for command in set(re.findall(r"`hubctl ([^`]+)`", ENGLISH)):
        words = command.split(" -- ")[0].split()
        said = subprocess.run([charts.ROOT / "build/hubctl", *words, "--help"], capture_output=True, text=True)
        assert said.returncode == 0, f"{command}: {said.stderr}"
    flags = {flag for line in blocks(PAGES, "sh") for command in re.findall(r"helm .*", line)
             for flag in re.findall(r"\s(--[a-z-]+)", command)}
    said = charts.helm("upgrade", "--help").stdout
    assert all(flag in said for flag in flags), flags

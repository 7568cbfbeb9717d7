"""GitHub's workflows: what actionlint and the house ask of them, and each step's script run where it changes nothing of
anybody: in a clone, with DRY=1, or with a registry and a GitHub that only write down what they are told."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

import pods
from conftest import ROOT, VERSION

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ALL = ["proxy", "hub", "whole", "singleuser/base", "singleuser/science", "singleuser/pytorch-cuda"]
SECOND = ALL[4:]
MAIN = {"EVENT": "push", "REF": "refs/heads/main"}


def tool(name):
    """A program of tests/cluster's, where it was made."""
    said = subprocess.run([ROOT / "tests/cluster/tool", "--cached", name], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        pytest.skip(f"no {name} here: tests/cluster/tool {name} makes it")
    return said.stdout.strip()


# --- the files ---

def workflow(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps():
    return [(path, name, step) for path in WORKFLOWS for name, job in workflow(path)["jobs"].items()
            for step in job.get("steps", [])]


def test_actionlint_has_nothing_to_say():
    pods.run(tool("actionlint"), *map(str, WORKFLOWS))


def test_a_step_is_one_command_and_no_text_from_outside_is_in_it():
    for path, job, step in steps():
        run = step.get("run", "")
        assert "${{" not in run and "\n" not in run.strip(), f"{path.name}: {job}: {run}"
        if run.startswith("deploy/"):
            assert os.access(ROOT / run.split()[0], os.X_OK), run
        else:
            assert not run or run.startswith("apt-get "), f"{path.name}: {job}: what is it that no test runs? {run}"


def test_rights_are_the_least_and_every_job_ends():
    for path in WORKFLOWS:
        text = workflow(path)
        assert text["permissions"] == {"contents": "read"}, path.name
        assert text["concurrency"]["group"], path.name
        for name, job in text["jobs"].items():
            assert "uses" in job or job["timeout-minutes"] <= 120, f"{path.name}: {name}"
            writes = {right for right, how in job.get("permissions", {}).items() if how == "write"}
            assert writes <= {"packages"} or name == "bump", f"{path.name}: {name}"


def test_actions_are_github_s_own_of_a_major_version_and_keep_no_token():
    for path, job, step in steps():
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]), f"{path.name}: {job}"
            assert step["with"]["persist-credentials"] is False, f"{path.name}: {job}"
    kept = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    for update in kept:
        for directory in update.get("directories", [update.get("directory")]):
            assert list(ROOT.glob(directory.strip("/") or "*")), directory
    assert {update["package-ecosystem"] for update in kept} >= {"github-actions", "docker", "pip"}


# --- the scripts ---

def clean(**env):
    """This environment without a workflow's."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GIT_"))} | {
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
        "GIT_CONFIG_GLOBAL": "/dev/null"} | env


class Clone:
    """A repository of its own with as many files of this one as the steps look at."""

    ROOMS = ("deploy", "scripts", "systemd", "proxy")
    FILES = ("test", "VERSION", "Makefile", "LICENSE")

    def __init__(self, path):
        self.path = path
        path.mkdir()
        for name in self.ROOMS:
            shutil.copytree(ROOT / name, path / name)
        for name in self.FILES:
            shutil.copy(ROOT / name, path / name)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *words):
        return pods.run("git", *words, cwd=self.path, env=clean()).strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")
        return self.git("rev-parse", "HEAD")

    def change(self, *names):
        """A commit that changes these files; the one before it."""
        before = self.git("rev-parse", "HEAD")
        for name in names:
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            with open(self.path / name, "a", encoding="utf-8") as file:
                file.write("\n")
        self.commit()
        return before

    def step(self, name, *words, **env):
        return pods.run(self.path / "deploy/ci" / name, *words, cwd=self.path, env=clean(**env))

    def plan(self, **env):
        said = self.step("plan", SHA=self.git("rev-parse", "HEAD"), **env)
        told = dict(line.split("=", 1) for line in said.splitlines())
        return told | {"images": json.loads(told["first"]) + json.loads(told["second"])}


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "clone")


def test_every_part_of_the_tests_is_a_job(clone):
    parts = json.loads(clone.step("parts").partition("=")[2])
    lists = re.findall(r"(?m)^(?:parts|twins)=\((.*)\)$", (ROOT / "test").read_text(encoding="utf-8"))
    assert parts == " ".join(lists).split()


@pytest.mark.parametrize("changed, built", [
    (["docs/admin/hub.md", "tests/e2e/wire.py", "bench/README.md"], []),
    (["deploy/z2jh/values.yaml", "deploy/images/singleuser/profiles.yaml"], []),
    (["proxy/route.c"], ["proxy", "hub", "whole"]),
    (["hub/pages/home.html", "README.md"], ["proxy", "hub", "whole"]),
    (["deploy/images/hub/Dockerfile"], ["hub"]),
    (["deploy/images/singleuser/science/requirements.txt"], ["singleuser/science"]),
    (["scripts/requirements/run.txt"], ["whole", "singleuser/base", *SECOND]),
], ids=str)
def test_a_push_builds_the_images_whose_files_changed(clone, changed, built):
    before = clone.change(*changed)
    plan = clone.plan(**MAIN, BEFORE=before)
    assert plan["images"] == built
    assert set(json.loads(plan["second"])) <= set(SECOND)
    assert plan["tag"] == "sha-" + clone.git("rev-parse", "HEAD")[:12]
    assert plan["moving"] == "" and plan["chart"] == "false"


@pytest.mark.parametrize("before", ["0" * 40, "1234" * 10], ids=["a new branch", "a forced push"])
def test_without_a_known_commit_before_all_is_built(clone, before):
    assert clone.plan(**MAIN, BEFORE=before)["images"] == ALL


def test_a_release_builds_all_with_semver_and_latest_and_the_chart(clone):
    plan = clone.plan(EVENT="push", REF=f"refs/tags/v{VERSION}")
    assert plan["images"] == ALL and plan["tag"] == VERSION and plan["chart"] == "true"
    sha = clone.git("rev-parse", "HEAD")[:12]
    assert plan["moving"].split() == [f"sha-{sha}", VERSION.rpartition(".")[0], "latest"]


def test_a_tag_that_is_not_the_version_is_refused(clone):
    with pytest.raises(AssertionError, match=f"the tag is v9.9.9, VERSION says {VERSION}"):
        clone.plan(EVENT="push", REF="refs/tags/v9.9.9")


def test_the_weekly_run_builds_the_last_release_under_a_new_tag(clone):
    for tag in ("v0.0.9", "v0.0.10"):
        clone.git("tag", tag)
    plan = clone.plan(EVENT="schedule", REF="refs/heads/main")
    assert plan["ref"] == "v0.0.10" and plan["images"] == ALL
    assert re.fullmatch(r"0\.0\.10-r\d{8}", plan["tag"]) and plan["moving"] == "0.0 latest"


def test_before_the_first_release_the_weekly_run_moves_no_tag(clone):
    plan = clone.plan(EVENT="schedule", REF="refs/heads/main")
    assert plan["tag"].startswith("sha-") and plan["moving"] == ""


PUSHED = {"REGISTRY": "registry.test/lab", "REGISTRY_USER": "ada", "REGISTRY_PASSWORD": "s3cret",
          "TAG": "sha-0123456789ab"}


def instead_of(path, program, script):
    """A program of this name that the steps find first."""
    (path / "bin").mkdir(exist_ok=True)
    (path / "bin" / program).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    (path / "bin" / program).chmod(0o755)


def path_with(path):
    return {"PATH": f"{path}/bin:{os.environ['PATH']}"}


@pytest.mark.parametrize("image", ALL)
def test_an_image_is_built_for_its_machines_and_pushed_with_all_tags(clone, image):
    said = clone.step("image", image, DRY="1", MOVING="0.1 latest", **PUSHED)
    build = said.splitlines()[-1]
    assert build.startswith("+ docker buildx build ") and "--sbom=true --provenance=mode=max" in build
    machines = "linux/amd64" if image.endswith("cuda") else r"linux/amd64\\?,linux/arm64"
    assert re.search(rf"--platform {machines} ", build)
    names = re.findall(r"--tag (\S+)", build)
    assert [name.partition(":")[2] for name in names] == ["sha-0123456789ab", "0.1", "latest"]
    assert all(name.startswith("registry.test/lab/hubgate") for name in names)
    assert "s3cret" not in said


def test_the_registry_s_password_is_no_argument(clone, tmp_path):
    log = tmp_path / "docker.log"
    instead_of(tmp_path, "sudo", "exit 0")
    instead_of(tmp_path, "docker", f"""printf '%s\\n' "$*" >>{log}
        [ "$1" != login ] || cat >>{log}""")
    clone.step("image", "hub", **PUSHED, **path_with(tmp_path))
    asked = log.read_text(encoding="utf-8").splitlines()
    assert asked[0] == "login --username ada --password-stdin registry.test"
    assert asked[1].startswith("s3cret") and sum("s3cret" in line for line in asked) == 1
    assert asked[-1].startswith("buildx build ") and asked[-1].endswith(" .")


def test_an_image_stands_on_the_base_of_the_same_build_else_on_the_published_one(clone):
    def said(**env):
        return re.search(r"--build-arg BASE=(\S+)", clone.step("image", SECOND[0], DRY="1", **PUSHED, **env))[1]

    assert said(FIRST='["singleuser/base"]') == "registry.test/lab/hubgate-singleuser:sha-0123456789ab"
    assert said(FIRST="[]") == names_in(clone)[1]


def test_every_image_is_known_to_the_steps(clone):
    there = {str(path.parent.relative_to(ROOT / "deploy/images")) for path in ROOT.glob("deploy/images/**/Dockerfile")}
    assert there == set(ALL) == set(clone.plan(EVENT="workflow_dispatch", REF="refs/heads/main")["images"])


def test_an_image_that_is_none_is_refused(clone):
    with pytest.raises(AssertionError, match="there is no image x"):
        clone.step("image", "x", DRY="1", **PUSHED)


def test_a_step_without_its_variables_says_which(clone):
    with pytest.raises(AssertionError, match="image: REGISTRY is not set"):
        clone.step("image", "hub", DRY="1")


def names_in(clone):
    z2jh, user = (yaml.safe_load((clone.path / "deploy" / name).read_text(encoding="utf-8"))
                  for name in ("z2jh/values.yaml", "images/singleuser/profiles.yaml"))
    user = user["singleuser"]
    return ["{name}:{tag}".format(**z2jh["proxy"]["chp"]["image"]), "{name}:{tag}".format(**user["image"]),
            *(entry["kubespawner_override"]["image"] for entry in user["profileList"])]


def test_bump_changes_the_images_that_were_built_and_no_others(clone):
    before = names_in(clone)
    clone.step("bump", **PUSHED, FIRST='["proxy","singleuser/base"]', SECOND='["singleuser/science"]')
    titles = ["hubgate", "hubgate-singleuser", "hubgate-singleuser", "hubgate-singleuser-science"]
    assert names_in(clone) == [f"registry.test/lab/{title}:sha-0123456789ab" for title in titles] + before[4:]
    assert clone.git("diff", "--numstat").split() == [
        "4", "4", "deploy/images/singleuser/profiles.yaml", "2", "2", "deploy/z2jh/values.yaml"]


def test_bump_again_finds_its_own_names(clone):
    built = {"FIRST": json.dumps(ALL[:4]), "SECOND": json.dumps(SECOND)}
    clone.step("bump", **PUSHED, **built)
    clone.step("bump", **PUSHED | {"TAG": "0.2.0-r20261201"}, **built)
    assert all(name.endswith(":0.2.0-r20261201") for name in names_in(clone))


def test_a_tag_that_would_be_more_than_a_tag_is_refused(clone):
    with pytest.raises(AssertionError, match="no name of an image"):
        clone.step("bump", **PUSHED | {"TAG": "1#;e"}, FIRST='["proxy"]', SECOND="[]")


@pytest.fixture
def github(clone, tmp_path):
    """A remote, and a gh that writes down what it is asked and knows of no open pull request."""
    pods.run("git", "init", "--quiet", "--bare", str(tmp_path / "remote"))
    clone.git("remote", "add", "origin", str(tmp_path / "remote"))
    instead_of(tmp_path, "gh", f'printf "%s\\n" "$*" >>{tmp_path}/gh.log')
    return {"GH_TOKEN": "t", "TAG": PUSHED["TAG"], **path_with(tmp_path)}


def test_what_was_bumped_is_proposed_in_a_pull_request(clone, github, tmp_path):
    clone.step("bump", **PUSHED, FIRST='["proxy"]', SECOND="[]")
    clone.step("propose", **github)
    pushed = pods.run("git", "--git-dir", str(tmp_path / "remote"), "show", "--format=%s", "--name-only", "bump/images")
    assert pushed.split("\n\n") == [f"deploy: images {PUSHED['TAG']}", "deploy/z2jh/values.yaml\n"]
    asked = (tmp_path / "gh.log").read_text(encoding="utf-8")
    assert f"pr create --head bump/images --title deploy: images {PUSHED['TAG']}" in asked


def test_nothing_is_proposed_where_nothing_changed(clone, github, tmp_path):
    assert "already" in clone.step("propose", **github)
    assert not (tmp_path / "gh.log").exists()


def test_the_chart_is_packed_with_the_registry_s_names_and_pushed(clone, tmp_path):
    helm = tool("helm")
    kept, log = tmp_path / "kept.tgz", tmp_path / "helm.log"
    # The real helm, but for what would leave this machine.
    instead_of(tmp_path, "helm", f"""printf '%s\\n' "$*" >>{log}
        case $1 in push) cp "$2" {kept} ;; registry) cat >>{log} ;; *) exec {helm} "$@" ;; esac""")
    clone.step("chart", **{k: v for k, v in PUSHED.items() if k != "TAG"}, **path_with(tmp_path))
    asked = log.read_text(encoding="utf-8")
    assert "registry login --username ada --password-stdin registry.test\ns3cret" in asked
    assert re.search(rf"push \S+/hubgate-{re.escape(VERSION)}\.tgz oci://registry\.test/lab/charts", asked)
    values = yaml.safe_load(pods.run(helm, "show", "values", str(kept)))
    for image in (values["hub"]["image"], values["proxy"]["chp"]["image"], values["singleuser"]["image"]):
        assert image["name"].startswith("registry.test/lab/hubgate")

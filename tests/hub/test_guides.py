"""What the guides tell people to write is right: each YAML is a good file of settings, both languages
show the same commands, and the words of pages are quoted as they are."""

import json
import os
import re
import subprocess

import pytest
import yaml

import hubs

DOCS = hubs.ROOT / "docs"
GUIDES = ["admin/hub", "user/guide"]


def text_of(guide, language=""):
    return (DOCS / f"{guide}{language}.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


SETTINGS = [block for guide in GUIDES for block in blocks(text_of(guide), "yaml")
            if "prometheus.yml" not in block]


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.split("\n")[0])
def test_the_settings_shown_are_good(block, tmp_path):
    """A whole file where it says how people log in, else a part of one."""
    for path in set(re.findall(r"/etc/hubgate/\w+", block)):
        secret = tmp_path / os.path.basename(path)
        secret.touch(mode=0o600)
        secret.write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
    config = tmp_path / "hub.yaml"
    if "authenticator:" not in block:
        block += "allow_all: true\nauthenticator: pam\n"
    config.write_text(block.replace("/etc/hubgate", str(tmp_path)), encoding="utf-8")
    said = subprocess.run(
        [str(hubs.PROGRAM), "--config", str(config), "--check"], capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CONFIGPROXY_AUTH_TOKEN": "s3cret"},
        timeout=60)
    assert said.returncode == 0, said.stderr


def test_every_way_to_log_in_has_its_settings():
    ways = {yaml.safe_load(block).get("authenticator") for block in SETTINGS}
    presets = {yaml.safe_load(block).get("oauth2_preset") for block in SETTINGS}
    assert ways >= {"dummy", "password-file", "pam", "oauth2", "header"}
    assert presets >= {"github", "gitlab", "google", "keycloak"}


def bare(block):
    """Without comments, which speak the page's language."""
    return [line for line in (re.sub(r"(^|\s+)# .*$", "", line) for line in block.splitlines()) if line]


@pytest.mark.parametrize("guide", GUIDES)
def test_both_languages_show_the_same(guide):
    for language in ("sh", "yaml", "ini", "nginx"):
        english, chinese = (blocks(text_of(guide, suffix), language) for suffix in ("", ".zh-CN"))
        assert [bare(block) for block in english] == [bare(block) for block in chinese]
    for pattern in (r"(?m)^#+ ", r"(?m)^\|"):
        assert len(re.findall(pattern, text_of(guide))) == \
            len(re.findall(pattern, text_of(guide, ".zh-CN"))), f"{pattern}: one page has more"


@pytest.mark.parametrize("suffix, lang, quotes", [("", "en", '"([^"]+)"'), (".zh-CN", "zh-CN", "“([^”]+)”")])
def test_pages_are_quoted_as_they_are(suffix, lang, quotes):
    words = json.loads((hubs.ROOT / f"hub/pages/lang/{lang}.json").read_text(encoding="utf-8"))
    all_words = "\n".join(words.values())
    table = text_of("user/guide", suffix).split("\n## ")[-1]
    cells = re.findall(r"(?m)^\| ([^|]*)", table)
    quoted = [words for cell in cells for words in re.findall(quotes, cell)]
    assert len(quoted) >= 6
    for words_quoted in quoted:
        assert words_quoted in all_words, words_quoted
    for bold in re.findall(r"\*\*([^*]+)\*\*", text_of("user/guide", suffix)):
        assert bold in all_words or bold in ("profile", "VS Code"), bold


# What a message shows of a case at hand.
EXAMPLES = {"ada": "%s", "30": "%lld", "0": "%zu", "4": "%zu", "1": "%d", "GPUs": "GPU%s"}


def messages():
    """All texts in the hub's sources, with those that are cut over lines put together."""
    folders = ("hub", "login", "spawner", "base", "keeper")
    sources = [path.read_text(encoding="utf-8") for folder in folders
               for path in (hubs.ROOT / folder).glob("*.c")]
    return re.sub(r'"\s*"', "", "\n".join(sources))


@pytest.mark.parametrize("suffix", ["", ".zh-CN"])
def test_messages_in_the_table_of_symptoms_are_the_hubs_own(suffix):
    said = messages()
    table = text_of("admin/hub", suffix).split("\n## ")[-2]
    quoted = [words for cell in re.findall(r"(?m)^\| ([^|]*)", table) for words in re.findall("`([^`]+)`", cell)]
    pieces = [piece.strip() for words in quoted for piece in re.split("…|:", words) if " " in piece.strip()]
    assert len(pieces) >= 15
    for piece in pieces:
        if piece.startswith(("systemctl", "log-in refused")):
            continue
        words = [EXAMPLES.get(word, word) for word in piece.split(" ")]
        pattern = " ".join(re.escape(word).replace("%", "%[.0-9]*") for word in words)
        assert re.search(pattern, said), piece

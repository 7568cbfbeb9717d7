"""Kubeconfig files as kubectl and clouds' tools write them: block YAML, a cluster, a user and a
context of one name each."""

import base64
import pathlib

import yaml


def write(path, plane, user, name="test", namespace=None, server=None, inline=False, **cluster):
    """A file with one context, current. `user` is its user entry: {"token": …}, certificate(…), plugin(…);
    `cluster` more of its cluster entry, e.g. **{"tls-server-name": "kubernetes"}; `server` another
    address, as the fault proxy's; inline puts the authority's certificate into the file."""
    entry = {"server": server or plane.url, **cluster}
    if entry["server"].startswith("https:") and not entry.get("insecure-skip-tls-verify"):
        entry.update(authority(plane.authority.path, inline))
    context = {"cluster": name, "user": name}
    if namespace:
        context["namespace"] = namespace
    pathlib.Path(path).touch(0o600)
    pathlib.Path(path).write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": name, "preferences": {},
        "clusters": [{"name": name, "cluster": entry}],
        "contexts": [{"name": name, "context": context}],
        "users": [{"name": name, "user": user}]}), encoding="utf-8")
    return path


def authority(path, inline):
    if inline:
        return {"certificate-authority-data": base64_of(path)}
    return {"certificate-authority": str(path)}


def certificate(certificate_path, key_path, inline=False):
    """A user who shows a client certificate."""
    if inline:
        return {"client-certificate-data": base64_of(certificate_path), "client-key-data": base64_of(key_path)}
    return {"client-certificate": str(certificate_path), "client-key": str(key_path)}


def plugin(command, *arguments, version="v1", **env):
    """A user whom a program brings in (ExecCredential)."""
    return {"exec": {"apiVersion": f"client.authentication.k8s.io/{version}", "command": str(command),
                     "args": [str(one) for one in arguments], "interactiveMode": "Never",
                     "env": [{"name": key, "value": value} for key, value in env.items()]}}


def base64_of(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode("ascii")

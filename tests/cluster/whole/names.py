"""The cluster's DNS, as far as Services with an address need it: SERVICE.NAMESPACE.svc.cluster.local."""

import contextlib
import socket
import struct

import calls

DOMAIN = ".svc.cluster.local"
A, NO_NAME = 1, 3


def serve(node):
    """On the node's own address, for as long as the process lives."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((node.address, 53))
    while True:
        asked, client = listener.recvfrom(4096)
        with contextlib.suppress(OSError, ValueError, IndexError, struct.error):
            listener.sendto(answer(node, asked), client)


def answer(node, asked):
    number, _, questions = struct.unpack(">HHH", asked[:6])
    labels, at = [], 12
    while asked[at]:
        labels.append(asked[at + 1:at + 1 + asked[at]].decode("ascii").lower())
        at += 1 + asked[at]
    kind, = struct.unpack(">H", asked[at + 1:at + 3])
    question, address = asked[12:at + 5], find(node, ".".join(labels))
    records = [address] if address and kind == A else []
    head = struct.pack(">HHHHHH", number, 0x8580 | (0 if address else NO_NAME), questions, len(records), 0, 0)
    return head + question + b"".join(
        struct.pack(">HHHIH", 0xC00C, A, 1, 5, 4) + socket.inet_aton(one) for one in records)


def find(node, name):
    if not name.endswith(DOMAIN):
        return None
    service, _, namespace = name[:-len(DOMAIN)].partition(".")
    with contextlib.suppress(calls.Refused):
        found = node.admin.find(f"/api/v1/namespaces/{namespace}/services/{service}")
        address = found and found["spec"].get("clusterIP")
        return address if address not in (None, "None") else None
    return None

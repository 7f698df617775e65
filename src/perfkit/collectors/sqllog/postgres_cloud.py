"""PostgreSQL's log as text in the JSON of those who ship it: one object a line comes in, records as on stderr go out.

Cloud SQL has the text as `textPayload`, Docker as `log`, others as `message` or `properties.message`. CloudNativePG's records are
no text: see postgres_json.
"""

from __future__ import annotations

import json
from typing import Any

from perfkit.collectors.sqllog.postgres_carried import CarriedReader
from perfkit.collectors.sqllog.postgres_stderr import FORMAT as STDERR


class CloudUnpacker:
    prefix = ""

    def __init__(self) -> None:
        self.lost: list[bytes] = []

    def take(self, block: bytes) -> bytes:
        records: list[bytes] = []
        for line in block.splitlines(keepends=True):
            text = _payload(line)
            if text is not None:
                first, *further = text.rstrip("\r\n").replace("\0", "").split("\n")
                lines = [first, *(one if one.startswith("\t") else f"\t{one}" for one in further)]
                records.append("\n".join(lines).encode("utf-8", "replace") + b"\n")
            elif line.strip():
                self.lost.append(line)
        return b"".join(records)

    def rest(self) -> bytes:
        return b""


def carries_text(head: bytes) -> float:
    """The share of the lines of `head` that are such objects with lines of PostgreSQL's log in them."""
    if not head.startswith(b"{"):
        return 0.0
    unpacker = CloudUnpacker()
    whole = head[: head.rfind(b"\n") + 1] or head
    text = unpacker.take(whole)
    return STDERR.fits(text) * (1 - len(unpacker.lost) / (whole.count(b"\n") + 1)) if text else 0.0


def reader_of_text(head: bytes, prefix: str | None) -> CarriedReader:
    return CarriedReader(CloudUnpacker(), head[: head.rfind(b"\n") + 1] or head, prefix)


def _payload(line: bytes) -> str | None:
    try:
        document: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    properties = document.get("properties")
    for holder in (document, properties if isinstance(properties, dict) else {}):
        for name in ("textPayload", "log", "message"):
            if isinstance(holder.get(name), str):
                return str(holder[name])
    return None

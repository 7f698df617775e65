"""Requests that the target sends to other services: a span each, from the first byte sent until the answer's headers are there.

Of the address the host alone is kept: ports, paths, queries and credentials may be secrets, and differ between two runs.
"""

from __future__ import annotations

from time import monotonic

from . import requests, spool
from .requests import HTTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WHAT = "requests to other services"
_LONGEST = 253  # of a host's name
# A crawler asks so many that statements would have no names left.
_MOST = 1000
_hosts: set[str] = set()


def asked(host: Any, started: float, stack: int) -> None:
    """`host` is a name or an address, perhaps with a port, as text or bytes. Never raises."""
    if spool.closed:
        return
    try:
        requests.span(HTTP, requests.name(_shown(host)), started, monotonic() - started, stack=stack)
    except Exception as error:
        spool.broken(WHAT, error)


def _shown(host: Any) -> str:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    text = text.rpartition("@")[2]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    text = "".join([one if one.isprintable() else "?" for one in text[:_LONGEST].lower()])
    if text not in _hosts:
        if len(_hosts) >= _MOST:
            return "(other)"
        _hosts.add(text)
    return text or "(no host)"

"""Ports: a command, the port in its URLs and a free one come in; the command goes out with the free one where it listens."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence

PORT = "{port}"
_BETWEEN = "\0"
# Where a number is a port: after a colon, or after an option or variable of such a name.
_PLACES = (
    r":",
    r"(?:(?<=[\0\s])|^)-[pP][\0\s=]?",
    r"(?<![A-Za-z])(?:port|bind|listen|http|address)[=\0\s]+",
)


def with_port(words: Sequence[str], port: str, free: str) -> tuple[str, ...]:
    """The same words where they do not name it. A number that stands elsewhere is the port only where nothing else names it, and
    never that of a long option of another name."""
    if port == PORT:
        return tuple(word.replace(PORT, free) for word in words)
    text = _BETWEEN.join(words)
    for place in _PLACES:
        text = re.sub(rf"({place}){port}(?![\w.])", rf"\g<1>{free}", text, flags=re.IGNORECASE)
    found = tuple(text.split(_BETWEEN))
    if found != tuple(words):
        return found
    options = ["", *words]  # what stands before each word
    alone = [at for at, word in enumerate(words) if word == port and not options[at].startswith("-")]
    others = [at for at, word in enumerate(words) if not f"{options[at]}={word}".startswith("--") and word[:2] != "--"]
    number = re.compile(rf"(?<![\w.]){port}(?![\w.])")
    return tuple(number.sub(free, word) if at in (alone or others) else word for at, word in enumerate(words))


def port_of(url: str) -> str:
    from perfkit.targets.address import parse

    return PORT if PORT in url else str(parse(url).port)


def url_with_port(url: str, free: str) -> str:
    """Its port alone: a path may hold the same number."""
    return re.sub(r"^(\w+://[^/?#]*?)(?::\d+|:\{port\})?(?=[/?#]|$)", rf"\g<1>:{free}", url, count=1)


def ready_with_port(ready: str, port: str, free: str) -> str:
    """`ready` is a URL or a port."""
    if port == PORT:
        return ready.replace(PORT, free)
    if "://" in ready:
        return url_with_port(ready, free) if port_of(ready) == port else ready
    return free if ready == port else ready


def free_port() -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return str(bound.getsockname()[1])

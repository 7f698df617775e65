"""Explain room: what a driver says when it cannot connect comes in, the kind of error goes out, in words of our own.

A driver repeats what it took for host, user and database. Where a DSN is written amiss, these are parts of the password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["login", "name", "network", "unread", "other"]


@dataclass(frozen=True, slots=True)
class Reason:
    kind: Kind
    words: str


_REASONS: Final[tuple[tuple[str, Kind, str], ...]] = (
    (r"no password supplied", "login", "it wants a password, and none is given"),
    (r"pg_hba|not allowed to connect", "login", "it takes no connections of this user from this host"),
    (r"authentication failed|access denied", "login", "it does not take this user with this password"),
    (r"role \".*\" does not exist|not permitted to log in", "name", "it has no such role"),
    (r"does not exist|unknown database", "name", "it has no such database"),
    (r"too many (?:clients|connections)|remaining connection slots", "other", "it has no connection left"),
    (r"starting up|shutting down|recovery mode", "other", "it is starting or stopping"),
    (r"refused", "network", "the connection was refused"),
    (r"resolve|name or service|getaddrinfo|nodename|no address", "network", "the host's name cannot be resolved"),
    (r"no route|unreachable", "network", "no way leads to the host"),
    (r"time.?out|timed out", "network", "it did not answer in time"),
    (r"ssl|tls|certificate", "network", "they found no way to encrypt"),
    (r"no such file", "network", "there is no such socket or file"),
    (r"permission denied", "network", "this user may not open the socket or file"),
    (r"closed|lost connection|reset by peer|broken pipe|unexpected|not a mysql|packet sequence", "network", "it ended the connection"),
    (r"invalid|missing|unsupported|unterminated|unrecognized|cannot be", "unread", "the DSN cannot be read"),
)  # fmt: skip


def reason(said: str) -> Reason:
    """Nothing of `said` is in the words."""
    for pattern, kind, words in _REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            return Reason(kind, words)
    return Reason("other", "the driver's reason may repeat the password and is not shown")

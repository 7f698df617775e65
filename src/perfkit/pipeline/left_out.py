"""What a run cannot show because of how it was asked for, as gaps."""

from __future__ import annotations

from perfkit.model.recording import Gap

NO_CONTAINERS = Gap(
    "which containers and caches grow, and what requests leave behind",
    "they are looked through from inside, and the probe is not there",
    "launch it with `perfkit run --memory`",
)


def no_probe(attached: bool) -> Gap:
    return Gap(
        "requests, routes, statements and blocked event loops",
        "perfkit looks at a running process from outside" if attached else "--no-probe leaves the probe out",
        "launch it with `perfkit run`" + ("" if attached else ", without --no-probe"),
    )

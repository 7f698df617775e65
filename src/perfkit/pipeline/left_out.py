"""What a run cannot show because of how it was asked for, as gaps."""

from __future__ import annotations

from perfkit.model.recording import Gap


def no_containers(attached: bool) -> Gap:
    return Gap(
        "which containers and caches grow, and what requests leave behind",
        "they are looked through from inside, and the probe is not there",
        "add --sql, which brings the probe in" if attached else "leave out --no-probe",
    )


def no_probe(attached: bool) -> Gap:
    return Gap(
        "requests, routes, statements and blocked event loops",
        "perfkit looks at a running process from outside" if attached else "--no-probe leaves the probe out",
        "add --sql, which brings the probe in" if attached else "launch it with `perfkit run`, without --no-probe",
    )

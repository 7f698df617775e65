"""Which request inside the server answered which one of the client's: one client sends one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from perfkit.model.recording import NO_ROUTE, Recording, Request


def served(recording: Recording) -> Iterator[tuple[Request, Request]]:
    """(inside, sent), in the order of time. What was not seen on both sides is left out."""
    inside = sorted((r for r in recording.requests if r.source == "probe"), key=lambda r: r.start)
    at = 0
    for sent in sorted((r for r in recording.requests if r.source == "load"), key=lambda r: r.start):
        while at < len(inside) and inside[at].start < sent.start:
            at += 1
        if at < len(inside) and inside[at].start <= sent.start + sent.seconds:
            yield inside[at], sent


def named_by_url(recording: Recording) -> Recording:
    """Where the application has a router of its own, the probe knows no route: the client's URL is the endpoint then."""
    names = {
        (one.process, one.number): sent.endpoint for one, sent in served(recording) if one.endpoint.endswith(NO_ROUTE)
    }
    if not names:
        return recording
    return replace(
        recording,
        requests=tuple(
            replace(one, endpoint=names[one.process, one.number])
            if one.source == "probe" and (one.process, one.number) in names
            else one
            for one in recording.requests
        ),
    )

"""Time for which the kernel did not let the target run because its control group had used up its CPU quota."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, NotRunError, View
from perfkit.model.finding import Advice, Confidence, Evidence


class CpuThrottled:
    """The container's CPU limit stops the application.

    **What it sees.** The kernel's count of the time for which the target's control group was throttled (`cpu.stat`).

    **Why it hurts.** A quota of 50 ms in each 100 ms is used up in 50 ms by one busy thread, in 25 ms by two; then all
    threads stand still until the period ends, whatever request they serve. It shows as random slow lines in profiles.

    **Before** `resources.limits.cpu: 500m`

    **After** A higher limit, no limit with a fitting request, or fewer workers and threads than the quota can feed.

    **When to ignore it.** The limit is there to test with.
    """

    name: ClassVar[str] = "cpu-throttled"
    summary: ClassVar[str] = "the container's CPU limit stops the application"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        pressure = view.analysis.pressure
        if pressure is None or pressure.throttled is None:
            raise NotRunError("no CPU quota is set for the target's control group")
        share = pressure.throttled
        if share < 0.05:
            return
        yield Candidate(
            rule=self.name,
            title="The CPU quota of the container stops the application",
            claim={time.stack: min(1.0, share) for time in view.code if time.state == "running"},
            where=None,
            evidence=(
                Evidence(f"The control group was throttled for {share:.0%} of the run.", round(share, 3), "share"),
            ),
            advice=Advice("raise the CPU limit, or run fewer workers and threads than it can feed"),
            saves=(0.5, 1.0),
            confidence=Confidence("high", "the kernel counts throttled time; its share of each request is modelled"),
            least=0.02,
            basis="counted",
            withheld=True,
        )

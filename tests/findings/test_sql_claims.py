"""Which seconds the SQL rules take: their statements', their mapper's and driver's, never the project's own work."""

from __future__ import annotations

import cases_n_plus_one
import cases_sql_rows_and_connections
import cases_sql_statements
import pytest
from rule_cases import Fires
from sql_cases import Step, in_request, served

from perfkit.analysis import analyse
from perfkit.findings import RULES
from perfkit.findings.interface import Candidate, View
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_uses import groups, is_mapper
from recordings_from_text import recording_of

CASES: list[Fires] = [*cases_n_plus_one.FIRES, *cases_sql_statements.FIRES, *cases_sql_rows_and_connections.FIRES]
_GET = "QuerySet.get@lib/django/db/models/query.py:600"
_LATE = "ForwardManyToOneDescriptor.__get__@lib/django/db/models/fields/related_descriptors.py:261"
_ITERATES = "QuerySet.__iter__@lib/django/db/models/query.py:386"


def view_of(case: Fires) -> View:
    return View(analyse(recording_of(case.text, sources=case.sources, **case.options)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_nothing_is_claimed_twice_and_no_work_of_the_project(case: Fires) -> None:
    view = view_of(case)
    candidates: list[Candidate] = [c for c in RULES.load(case.rule)().check(view) if c.claim]
    assert candidates
    by_stack = {time.stack: time for time in view.times}
    for candidate in candidates:
        for stack, part in candidate.claim.items():
            assert 0.0 < part <= 1.0
            time = by_stack[stack]
            if not time.timed:
                assert time.state == "io" or any(is_mapper(view, frame) for frame in view.frames(time))


def shares(text: str, *steps: Step) -> dict[str, float]:
    """Share of all time that each statement claims."""
    view = View(analyse(recording_of(text, **served(*steps))))
    return {group.text: view.share(view.seconds(claim_of(view, group.uses))) for group in groups(view)}


def test_a_mappers_time_goes_to_the_statement_that_it_works_for() -> None:
    """One line iterates a query and loads a relation for each row: frames of the mapper tell which is which."""
    found = shares(
        f"""
        {in_request(f"page@views.py:9; {_LATE}; {_GET}")} 60
        {in_request(f"page@views.py:9; {_ITERATES}; _fetch_all@lib/django/db/models/query.py:1900")} 20
        {in_request("page@views.py:9")} 20
        """,
        Step("SELECT id FROM orders", f"page@views.py:9; {_ITERATES}", rows=20, seconds=0.01),
        Step("SELECT name FROM customer WHERE id = ?", f"page@views.py:9; {_LATE}", times=20, seconds=0.002),
    )
    assert found["select id from orders"] == pytest.approx(0.05 + 0.75 * 0.2, abs=0.01)
    assert found["select name from customer where id = ?"] == pytest.approx(0.2 + 0.75 * 0.6, abs=0.01)


def test_two_statements_of_one_line_share_by_how_often_they_run() -> None:
    found = shares(
        f"{in_request(f'page@views.py:9; {_GET}')} 100",
        Step("SELECT a FROM one WHERE id = ?", "page@views.py:9", times=30, seconds=0.001, rows=None),
        Step("SELECT b FROM two WHERE id = ?", "page@views.py:9", times=10, seconds=0.001, rows=None),
    )
    assert found["select a from one where id = ?"] == pytest.approx(0.15 + 0.8 * 0.75, abs=0.01)
    assert found["select b from two where id = ?"] == pytest.approx(0.05 + 0.8 * 0.25, abs=0.01)


def test_a_line_far_from_any_statement_is_nobodys() -> None:
    found = shares(
        f"{in_request(f'page@views.py:30; {_GET}')} 100",
        Step("SELECT a FROM one WHERE id = ?", "page@views.py:9", seconds=0.02),
    )
    assert found["select a from one where id = ?"] == pytest.approx(0.1, abs=0.01)


def test_few_samples_leave_it_to_what_was_timed() -> None:
    found = shares(
        f"{in_request(f'page@views.py:9; {_GET}')} 7",
        Step("SELECT a FROM one WHERE id = ?", "page@views.py:9", seconds=0.02),
    )
    assert found["select a from one where id = ?"] == pytest.approx(0.1, abs=0.01)


def test_a_mapper_never_stands_in_for_the_project() -> None:
    """Samples of awaited code show the mapper's greenlet alone: the call site knows who awaited it."""
    at = "page@views.py:9; AsyncSession.get@lib/sqlalchemy/ext/asyncio/session.py:800"
    text = f"{in_request('greenlet_spawn@lib/sqlalchemy/util/concurrency.py:200')} 100"
    steps = Step("SELECT a FROM one WHERE id = ?", at, times=30, seconds=0.002)
    view = View(analyse(recording_of(text, **served(steps))))
    assert [group.where and group.where.function for group in groups(view)] == ["page"]

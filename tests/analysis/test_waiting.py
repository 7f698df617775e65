"""Waiting: what waits for work never ranks, and what waits for others is charged to them."""

from __future__ import annotations

from datetime import date

import pytest

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.analysis import Analysis
from perfkit.model.recording import Request, Span
from recordings_from_text import recording_of

WORK = "thread A; flask>; index@views.py:3 100"


def seconds_by_leaf(analysis: Analysis) -> dict[str, float]:
    found: dict[str, float] = {}
    for time in analysis.times:
        leaf = analysis.stacks.expand(time.stack)[-1].function
        found[leaf] = round(found.get(leaf, 0.0) + time.seconds, 6)
    return found


@pytest.mark.parametrize(
    "leaf",
    [
        "select@std/selectors.py:468",
        "run@std/threading.py:975; get@std/queue.py:171",
        "run@std/threading.py:975; get@std/queue.py:171; wait@std/threading.py:629",
        "_worker@std/concurrent/futures/thread.py:81",
        "serve_forever@std/socketserver.py:233; get_request@std/socketserver.py:504; accept@std/socket.py:294",
        "run@lib/gunicorn/app/base.py:1; run_for_one@lib/gunicorn/workers/sync.py:70; wait@lib/gunicorn/workers/sync.py:34",
        "run@lib/gunicorn/arbiter.py:230; sleep@lib/gunicorn/arbiter.py:429",
        "run@std/threading.py:975; acquire@std/threading.py:451; wait@std/threading.py:327",
        "run@std/threading.py:975; beat@beat.py#wait",
        "run@std/threading.py:975; beat@beat.py#lock",
        "run@std/threading.py:975; beat@beat.py#sleep",
    ],
)
def test_waiting_outside_of_requests_never_ranks(leaf: str) -> None:
    beat = """
    def beat(self):
        self.event.wait(60)  #<wait>
        with self.lock:  #<lock>
            pass
        time.sleep(60)  #<sleep>
    """
    analysis = analyse(recording_of(f"{WORK}\nthread bg; {leaf} 100", sources={"beat.py": beat}))
    assert seconds_by_leaf(analysis) == {"index": 1.0}
    assert analysis.idle_seconds == pytest.approx(1.0)
    assert analysis.background_seconds == 0.0


def test_background_work_is_kept_apart_from_requests() -> None:
    analysis = analyse(recording_of(f"{WORK}\nthread bg; run@std/threading.py:975; crunch@stats.py:9 100"))
    assert analysis.measured == pytest.approx(1.0)
    assert analysis.background_seconds == pytest.approx(1.0)


def test_startup_never_counts_as_serving() -> None:
    load = "_find_and_load@<frozen importlib._bootstrap>:1; _call_with_frames_removed@<frozen importlib._bootstrap>:241"
    analysis = analyse(
        recording_of(
            f"""
            windows 1; <module>@bin/gunicorn:8; run@lib/gunicorn/app/base.py:1; {load}; <module>@shop.py:3 100
            windows 2-5; flask>; index@views.py:3 400
            """
        )
    )
    assert analysis.startup_seconds == pytest.approx(1.0)
    assert seconds_by_leaf(analysis) == {"index": 4.0}
    assert analysis.serving_seconds == pytest.approx(4.0)


def test_requests_before_the_target_was_ready_and_warm_are_left_out() -> None:
    text = "flask>; index@views.py:3 500"
    assert analyse(recording_of(text, run={"ready_at": 1.0, "warmup": 1.0})).measured == pytest.approx(3.0)


def test_an_excluded_endpoint_is_left_out() -> None:
    text = "flask>; health@views.py:9 100\nflask>; index@views.py:3 100"
    assert seconds_by_leaf(analyse(recording_of(text, run={"exclude": ("health",)}))) == {"index": 1.0}


@pytest.mark.parametrize(
    "waiting",
    [
        "join@std/threading.py:1112; _wait_for_tstate_lock@std/threading.py:1132",
        "result@std/concurrent/futures/_base.py:451; wait@std/threading.py:327",
        "_shutdown@std/threading.py:1583",
    ],
)
def test_a_main_thread_that_waits_is_charged_to_its_workers(waiting: str) -> None:
    analysis = analyse(
        recording_of(
            f"""
            <module>@main.py:1; {waiting} 100
            thread w1; run@std/threading.py:975; crunch@jobs.py:3 100
            thread w2; run@std/threading.py:975; wait@std/threading.py:629 100
            """
        )
    )
    assert seconds_by_leaf(analysis) == {"crunch": 1.0}


def test_workers_that_ran_together_share_the_wait_of_the_main_thread() -> None:
    analysis = analyse(
        recording_of(
            """
            <module>@main.py:1; join@std/threading.py:1112 100
            thread w1; run@std/threading.py:975; crunch@jobs.py:3 90
            thread w2; run@std/threading.py:975; other@jobs.py:9 30
            """
        )
    )
    assert seconds_by_leaf(analysis) == {"crunch": 0.75, "other": 0.25}
    assert analysis.background_seconds == pytest.approx(0.2)


def test_worker_processes_are_charged_like_threads() -> None:
    analysis = analyse(
        recording_of(
            """
            <module>@main.py:1; map@std/multiprocessing/pool.py:367; wait@std/threading.py:629 100
            process 2; <module>@main.py:1; crunch@jobs.py:3 100
            process 3; <module>@main.py:1; get@std/multiprocessing/queues.py:103 100
            """
        )
    )
    assert analysis.kind == "script"
    assert seconds_by_leaf(analysis) == {"crunch": 1.0}


def test_a_main_thread_that_works_owns_its_time_whatever_runs_beside_it() -> None:
    analysis = analyse(recording_of("script>; main@main.py:3 100\nthread w; run@std/threading.py:975; w@jobs.py:3 100"))
    assert seconds_by_leaf(analysis) == {"main": 1.0}
    assert analysis.background_seconds == pytest.approx(1.0)


def test_a_wait_that_nobody_ran_in_stays_with_the_main_thread() -> None:
    analysis = analyse(recording_of("<module>@main.py:1; join@std/threading.py:1112 100"))
    assert seconds_by_leaf(analysis) == {"join": 1.0}


def test_a_program_that_drives_its_own_test_client_is_a_script() -> None:
    text = "script>; get@lib/werkzeug/test.py:1100; Flask.wsgi_app@lib/flask/app.py:2; index@views.py:3 100"
    assert analyse(recording_of(text)).kind == "script"


def test_a_lock_waited_for_inside_a_span_is_the_spans() -> None:
    pool = """
    def take(self):
        with self.lock:  #<take>
            return self.open()  #<open>
    """
    page = (
        "thread B; flask>; request@<perfkit>:1; page@views.py:3; span:pool@<perfkit>:1; take@lib/psycopg2/pool.py#take"
    )
    analysis = analyse(
        recording_of(
            f"""
            thread A; flask>; page@views.py:3; take@lib/psycopg2/pool.py#open 100
            {page} 50
            thread B; flask>; request@<perfkit>:1; page@views.py:4 50
            """,
            sources={"lib/psycopg2/pool.py": pool},
            requests=(Request("GET /", 0.0, 1.0, 200, "probe", 1, 1, "wsgi"),),
            spans=((Span(1, 1, "pool", 0, 0, 0.0, 0.5), "pool", page.partition(";")[2]),),
        )
    )
    assert analysis.blocked == ()
    judge(analysis, (), date(2026, 1, 1))


def test_code_in_greenlets_of_a_loop_is_a_gap() -> None:
    served = "thread L; fastapi>; index@views.py:3 60"
    greenlet = "thread L; Session.get@lib/sqlalchemy/orm/session.py:9; compile@lib/sqlalchemy/sql/compiler.py:3 40"
    what = "the requests of 0.4 s of an event loop's thread"
    assert what in [gap.what for gap in analyse(recording_of(f"{served}\n{greenlet}")).gaps]
    elsewhere = f"thread jobs; {greenlet.partition('; ')[2]}"
    assert what not in [gap.what for gap in analyse(recording_of(f"{served}\n{elsewhere}")).gaps]


def test_nothing_recorded_is_nothing_measured() -> None:
    analysis = analyse(recording_of(""))
    assert (analysis.measured, analysis.times, analysis.idle_seconds) == (0.0, (), 0.0)
    verdicts = judge(analysis, (), date(2026, 1, 1))
    assert verdicts.findings == ()
    assert {check.status for check in verdicts.checks} <= {"clean", "not_run"}

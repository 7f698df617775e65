"""Collections that take a while are spans of the request that they interrupt; short ones are not worth one."""

from __future__ import annotations

from pathlib import Path

from request_script import ran, write


def test_long_collections_of_the_request_that_they_interrupt(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        """
        import gc
        gc.disable()
        def garbage():
            for _ in range(200000):
                one = []
                one.append(one)
        def view():
            garbage()
            print(gc.collect() >= 200000)
        gc.collect()
        serve(view)
        view()
        garbage()
        gc.callbacks.clear()
        gc.collect()
        """,
    )
    out, process = ran(script, python)
    assert out == "True\nTrue\n"
    pauses = [span for span in process.of("gc") if process.site(span) and process.site(span)[-1][0] == "view"]
    assert len(pauses) == 2
    assert [span.request for span in pauses] == [process.requests[0].number, 0]
    assert {span.count for span in pauses} == {2}
    assert {process.name(span) for span in pauses} == {"garbage collection"}
    within = process.requests[0]
    assert within.start < pauses[0].start
    assert pauses[0].start + pauses[0].seconds < within.start + within.seconds


def test_forked_children_name_it_themselves(tmp_path: Path) -> None:
    from probe_spool import run_with_probe

    script = write(
        tmp_path / "app",
        """
        import gc, os
        gc.disable()
        def view():
            kept = [[] for _ in range(300000)]
            for one in kept:
                one.append(one)
            del kept, one
            gc.collect()
        for _ in range(3):
            if os.fork() == 0:
                serve(view)
                from perfkit_probe import spool
                spool.flush()
                os._exit(0)
            os.wait()
        """,
    )
    ended, processes = run_with_probe(script, tmp_path / "spool")
    assert ended.returncode == 0, ended.stderr
    children = [process for process in processes if process.requests]
    assert len(children) == 3
    for child in children:
        (pause,) = [span for span in child.of("gc") if span.request]
        assert child.name(pause) == "garbage collection"

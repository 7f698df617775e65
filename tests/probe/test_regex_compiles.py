"""Patterns compiled inside a request are spans; what the cache of `re` holds is none."""

from __future__ import annotations

from pathlib import Path

from request_script import ran, write


def test_each_compilation_once_and_no_secrets(tmp_path: Path, python: str) -> None:
    long = "x" * 300
    script = write(
        tmp_path / "app",
        f"""
        import re
        OF_MODULE = re.escape("of-module")
        MANY = ["one of", "many"]
        ONE = re.compile("before any request")
        def view():
            for pattern in (r"(a+)b", r"{long}"):
                re.sub(pattern, "", "aab")
            re.match(OF_MODULE, "of-module")
            re.findall(MANY[1], "x")
            re.compile(rb"by+tes", re.DOTALL)
            re.match(ONE, "x")
            re.match("what somebody typed in %d" % len(MANY), "x")
            try:
                re.compile("(broken")
            except re.error as error:
                print(type(error), error.pattern, error.pos)
        serve(view)
        serve(view)
        view()
        """,
    )
    out, process = ran(script, python)
    assert out.count("(broken 0") == 3
    first, second = (request.number for request in process.requests)
    compiled = process.of("regex")
    assert [process.name(span) for span in compiled if span.request == first] == [
        "(a+)b",
        "x" * 200,
        r"of\-module",
        "many",
        "by+tes",
        "(a pattern made at run time)",
        "(broken",
    ]
    # An error is not cached, everything else is.
    assert [process.name(span) for span in compiled if span.request == second] == ["(broken"]
    assert {process.site(span)[-2][0] for span in compiled} == {"view"}


def test_what_a_statement_makes_the_probe_compile_is_not_the_requests(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        """
        import sqlite3, sys
        database = sqlite3.connect(":memory:")
        def view():
            database.execute("/* one */ SELECT 'a', 5").fetchall()
            database.execute("SAVEPOINT s1")
        serve(view)
        print("re" in sys.modules)
        """,
    )
    out, process = ran(script, python)
    assert out == "True\n"
    assert len(process.requests) == 1
    assert [process.name(span) for span in process.of("sql", "transaction")] == ["SELECT ?, ?", "SAVEPOINT ?"]
    assert process.of("regex", "import") == []

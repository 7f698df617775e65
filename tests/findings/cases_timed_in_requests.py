"""import-in-request, gc, repeated-compile, serialisation: what the probe times inside requests besides statements."""

from __future__ import annotations

from typing import Any

from rule_cases import Fires, Quiet

from perfkit.model.recording import Request, Span, SpanKind

_IMPORT = "import-in-request"
_GC = "gc"
_COMPILE = "repeated-compile"
_SERIAL = "serialisation"
TEXT = "flask>; request@<perfkit>:1; route:GET /rows@<perfkit>:1; rows@shop.py:9 {looks}"
Spans = list[tuple[Span, str, str]]


def served(
    requests: int, kind: SpanKind, name: str, site: str, seconds: float, count: int | None = None, every: int = 1
) -> dict[str, Any]:
    """Requests of 10 ms, one behind the other; every so many of them has a span in its middle."""
    spans: Spans = [
        (Span(1, number + 1, kind, 0, 0, number * 0.01 + 0.001, seconds, count), name, site)
        for number in range(0, requests, every)
    ]
    made = [Request("GET /rows", n * 0.01, 0.01, 200, "probe", 1, n + 1, "wsgi") for n in range(requests)]
    return {"spans": spans, "requests": made, "windows": 1}


FIRES = [
    Fires(
        "an optional import that fails in each request",
        _IMPORT,
        TEXT.format(looks=90),
        function="encode",
        at="shop.py:20",
        share=0.1,
        endpoint="GET /rows",
        options=served(100, "import", "ujson (not found)", "rows@shop.py:9; encode@shop.py:20", 0.001),
    ),
    Fires(
        "a module that is loaded again and again",
        _IMPORT,
        TEXT.format(looks=50),
        function="rows",
        at="shop.py:7",
        share=0.05,
        endpoint="GET /rows",
        options=served(
            100, "import", "plugins.tax", "rows@shop.py:7; import_module@std/importlib/__init__.py:126", 0.005, every=10
        ),
    ),
    Fires(
        "a large module that the first request waits for",
        _IMPORT,
        TEXT.format(looks=50),
        function="rows",
        at="shop.py:7",
        share=0.09,
        endpoint="GET /rows",
        options=served(10, "import", "pandas", "rows@shop.py:7", 0.009, every=10),
    ),
    Fires(
        "full collections below one line",
        _GC,
        TEXT.format(looks=50),
        function="rows",
        at="shop.py:9",
        share=0.3,
        options=served(100, "gc", "garbage collection", "rows@shop.py:9", 0.003, 2),
    ),
    Fires(
        "young collections wherever the code is",
        _GC,
        TEXT.format(looks=50),
        function="",
        at="",
        share=0.2,
        options=served(100, "gc", "garbage collection", "dumps@std/json/__init__.py:238", 0.002, 0),
    ),
    Fires(
        "some long ones",
        _GC,
        TEXT.format(looks=50),
        function="rows",
        at="shop.py:9",
        share=0.16,
        options=served(100, "gc", "garbage collection", "rows@shop.py:9; parse@lib/feed/parse.py:3", 0.008, 2, every=5),
    ),
    Fires(
        "a template that each request compiles, with what samples see around it",
        _COMPILE,
        f"""
        {TEXT.format(looks=45)}
        flask>; request@<perfkit>:1; route:GET /rows@<perfkit>:1; rows@shop.py:9; from_string@lib/jinja2/environment.py:1100; span:compile@<perfkit>:1 45
        flask>; request@<perfkit>:1; route:GET /rows@<perfkit>:1; rows@shop.py:9; from_string@lib/jinja2/environment.py:1100 5
        """,
        function="rows",
        at="shop.py:9",
        share=0.55,
        inside="from_string@Jinja2",
        endpoint="GET /rows",
        options=served(
            100,
            "compile",
            "(a template from a string)",
            "rows@shop.py:9; from_string@lib/jinja2/environment.py:1100",
            0.005,
        ),
    ),
    Fires(
        "a pattern made from what people typed",
        _COMPILE,
        TEXT.format(looks=45),
        function="search",
        at="text.py:3",
        share=0.25,
        endpoint="GET /rows",
        options=served(
            100, "regex", "(a pattern made at run time)", "rows@shop.py:9; search@text.py:3", 0.005, every=2
        ),
    ),
    Fires(
        "an answer that the framework encodes",
        _SERIAL,
        TEXT.format(looks=45),
        function="rows",
        at="shop.py:11",
        share=0.6,
        endpoint="GET /rows",
        options=served(100, "json", "flask json", "rows@shop.py:11", 0.006, 1_800_000),
    ),
]

QUIET = [
    Quiet(
        "templates that the first requests compile",
        _COMPILE,
        TEXT.format(looks=45),
        options=served(20, "compile", "index.html", "rows@shop.py:9", 0.008, every=10),
    ),
    Quiet(
        "small answers",
        _SERIAL,
        TEXT.format(looks=45),
        options=served(100, "json", "flask json", "rows@shop.py:11", 0.0005, 800),
    ),
    Quiet(
        "a small module that the first request loads",
        _IMPORT,
        TEXT.format(looks=90),
        options=served(100, "import", "shop.tax", "rows@shop.py:7", 0.001, every=100),
    ),
    Quiet(
        "imports outside of requests",
        _IMPORT,
        TEXT.format(looks=90),
        options={
            **served(10, "import", "pandas", "jobs@jobs.py:7", 0.0),
            "spans": [(Span(1, 0, "import", 0, 0, 0.0, 0.5), "pandas", "jobs@jobs.py:7")],
        },
    ),
    Quiet(
        "nothing is imported",
        _IMPORT,
        TEXT.format(looks=90),
        options=served(10, "json", "flask json", "rows@shop.py:7", 0.001),
    ),
    Quiet(
        "nothing is collected",
        _GC,
        TEXT.format(looks=90),
        options=served(10, "json", "flask json", "rows@shop.py:7", 0.001),
    ),
    Quiet(
        "collections that take next to nothing",
        _GC,
        TEXT.format(looks=90),
        options=served(100, "gc", "garbage collection", "rows@shop.py:9", 0.002, 2, every=50),
    ),
    Quiet(
        "one long collection of what start-up has made",
        _GC,
        TEXT.format(looks=90),
        options=served(10, "gc", "garbage collection", "rows@shop.py:9", 0.009, 2, every=10),
    ),
    Quiet(
        "collections between requests",
        _GC,
        TEXT.format(looks=90),
        options={
            **served(10, "gc", "", "", 0.0),
            "spans": [(Span(1, 0, "gc", 0, 0, 5.0, 0.5, 2), "garbage collection", "main@main.py:3")],
        },
    ),
]

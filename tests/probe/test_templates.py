"""Templates compiled and rendered inside a request are spans with their names; their contents are nowhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from request_script import ran, write

from environments import LTS, NEW, OLD, OLDER, Environment
from probe_spool import Spooled

JINJA2 = """
    import asyncio
    import jinja2
    print(jinja2.__version__, flush=True)
    pages = {"base.html": "<b>{% block inner %}{% endblock %}</b>", "page.html": "{% extends 'base.html' %}{% block inner %}{{ x }}{% endblock %}",
             "broken.html": "{% if secret_word %}"}
    environment = jinja2.Environment(loader=jinja2.DictLoader(pages))
    asynchronous = jinja2.Environment(loader=jinja2.DictLoader(pages), enable_async=True)
    async def render():
        return await asynchronous.get_template("page.html").render_async(x=2)
    def view():
        print(environment.get_template("page.html").render(x=1))
        print(environment.from_string("secret_word {{ y }}").render({"y": 3}))
        print(asyncio.run(render()))
        try:
            environment.get_template("broken.html")
        except jinja2.TemplateSyntaxError as error:
            print(error, error.name, error.lineno)
    serve(view)
    serve(view)
    view()
"""
DJANGO = """
    import django
    from django.conf import settings
    print(django.__version__, flush=True)
    pages = {"base.html": "<b>{% block inner %}{% endblock %}</b>", "page.html": "{% extends 'base.html' %}{% block inner %}{{ x }}{% endblock %}",
             "broken.html": "{% if secret_word %}"}
    engine = {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", pages)]}}
    settings.configure(TEMPLATES=[engine], USE_TZ=True)
    django.setup()
    from django.template import Context, Template, TemplateSyntaxError, loader
    def view():
        print(loader.get_template("page.html").render({"x": 1}))
        print(Template("secret_word {{ y }}").render(Context({"y": 3})))
        try:
            loader.get_template("broken.html")
        except TemplateSyntaxError as error:
            print(error)
    serve(view)
    serve(view)
    view()
"""
STRING = "(a template from a string)"


def _names(process: Spooled, kind: str, request: int) -> list[str]:
    return [process.name(span) for span in process.of(kind) if span.request == request]


@pytest.fixture(params=["here", "older", "old", "lts", "new"])
def somewhere(request: pytest.FixtureRequest, environment: Callable[[Environment], Path]) -> str:
    known = {"older": OLDER, "old": OLD, "lts": LTS, "new": NEW}
    return sys.executable if request.param == "here" else str(environment(known[request.param]))


@pytest.mark.real
def test_jinja2(tmp_path: Path, somewhere: str) -> None:
    out, process = ran(write(tmp_path / "app", JINJA2), somewhere)
    _version, *shown = out.splitlines()
    assert shown[:3] == ["<b>1</b>", "secret_word 3", "<b>2</b>"]
    assert shown[:4] == shown[4:8] == shown[8:]
    first, second = (request.number for request in process.requests)
    assert _names(process, "compile", first) == [
        "page.html",
        "base.html",
        STRING,
        "page.html",
        "base.html",
        "broken.html",
    ]
    # What compiled is kept by the environment; a string and what failed are not.
    assert _names(process, "compile", second) == [STRING, "broken.html"]
    assert _names(process, "render", first) == _names(process, "render", second) == ["page.html", STRING, "page.html"]
    assert _names(process, "compile", 0) == []
    inner = process.site(process.of("compile")[0])
    assert "view" in [function for function, _, _ in inner]
    assert not [name for name in process.names.values() if "secret_word" in name]


@pytest.mark.real
def test_django(tmp_path: Path, somewhere: str) -> None:
    out, process = ran(write(tmp_path / "app", DJANGO), somewhere)
    _version, *shown = out.splitlines()
    assert shown[:2] == ["<b>1</b>", "secret_word 3"]
    assert len(shown) % 3 == 0
    first, second = (request.number for request in process.requests)
    # Nothing is kept by these loaders: each request compiles anew.
    assert _names(process, "compile", first) == ["page.html", "base.html", STRING, "broken.html"]
    assert _names(process, "compile", second) == _names(process, "compile", first)
    assert _names(process, "compile", 0) == []
    assert _names(process, "render", first) == ["page.html", STRING]
    assert not [name for name in process.names.values() if "secret_word" in name]

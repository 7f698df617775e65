"""Call sites: the project's line, and the library's frame that tells why, in what ORMs, templates and serializers do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driver_runs import seen_in
from environments import NEW, OLD, OLDER, Environment, build

if TYPE_CHECKING:
    from databases import Database
    from probe_spool import Spooled

DJANGO = r"""
import json, os, sys
from pathlib import Path
import django
from django.conf import settings
HERE = Path(__file__).parent
(HERE / "books.html").write_text("{% for book in books %}\n<p>{{ book.author.name }}</p>\n{% endfor %}")
kind = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
rest = []
try:
    import rest_framework
    rest = ["rest_framework"]
except ImportError:
    pass
settings.configure(DEBUG=False, SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", DATABASES={"default": kind},
    INSTALLED_APPS=["django.contrib.contenttypes", *rest], DEFAULT_AUTO_FIELD="django.db.models.AutoField", MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [str(HERE)]}], USE_TZ=True, LOGGING_CONFIG=None,
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None})
django.setup()
from django.db import models, connection, transaction
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import path
class Author(models.Model):
    name = models.CharField(max_length=20)
    class Meta: app_label = "library"
class Book(models.Model):
    title = models.CharField(max_length=20)
    notes = models.CharField(max_length=20, default="")
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    class Meta: app_label = "library"
    def by(self):
        return self.author.name
def late(request):
    return JsonResponse([book.author.name for book in Book.objects.all()], safe=False)
def method(request):
    return JsonResponse([book.by() for book in Book.objects.all()], safe=False)
def generated(request):
    names = (book.author.name for book in Book.objects.order_by("id"))
    return JsonResponse(sorted(names), safe=False)
def reverse(request):
    return JsonResponse([len(author.books.all()) for author in Author.objects.all()], safe=False)
def columns(request):
    return JsonResponse([book.notes for book in Book.objects.only("title")], safe=False)
def template(request):
    return render(request, "books.html", {"books": Book.objects.all()})
def joined(request):
    return JsonResponse([book.author.name for book in Book.objects.select_related("author")], safe=False)
def prefetched(request):
    return JsonResponse([len(author.books.all()) for author in Author.objects.prefetch_related("books")], safe=False)
async def asynchronous(request):
    names = [book.title async for book in Book.objects.all()] if hasattr(Book.objects.all(), "__aiter__") else []
    first = await Book.objects.aget(id=1) if hasattr(Book.objects, "aget") else None
    return JsonResponse(names, safe=False)
urlpatterns = [path(view.__name__, view) for view in (late, method, generated, reverse, columns, template, joined, prefetched, asynchronous)]
if rest:
    from rest_framework import serializers, generics
    class AuthorSerializer(serializers.ModelSerializer):
        class Meta:
            model = Author; fields = ["name"]
    class BookSerializer(serializers.ModelSerializer):
        author = AuthorSerializer()
        class Meta:
            model = Book; fields = ["title", "author"]
    class Nested(generics.ListAPIView):
        queryset = Book.objects.all(); serializer_class = BookSerializer
    class SlugSerializer(serializers.ModelSerializer):
        author = serializers.SlugRelatedField("name", read_only=True)
        names = serializers.SerializerMethodField()
        def get_names(self, book):
            return book.author.name
        class Meta:
            model = Book; fields = ["title", "author", "names"]
    class Slugs(generics.ListAPIView):
        queryset = Book.objects.all(); serializer_class = SlugSerializer
    def serialized(request):
        return JsonResponse(BookSerializer(Book.objects.all(), many=True).data, safe=False)
    urlpatterns += [path("nested", Nested.as_view()), path("slugs", Slugs.as_view()), path("serialized", serialized)]
def main():
    with connection.schema_editor() as editor:
        editor.create_model(Author); editor.create_model(Book)
    for n in range(3):
        Book.objects.create(title="b%d" % n, author=Author.objects.create(name="a%d" % n))
    with transaction.atomic():
        with transaction.atomic():
            Author.objects.filter(id=1).update(name="a0")
    from django.core.wsgi import get_wsgi_application
    from wsgiref.util import setup_testing_defaults
    application = get_wsgi_application()
    said = {}
    for pattern in urlpatterns:
        environ = {"PATH_INFO": "/" + str(pattern.pattern)}
        setup_testing_defaults(environ)
        answer = application(environ, lambda status, headers: None)
        said[str(pattern.pattern)] = b"".join(answer).decode()
        answer.close()
    print(json.dumps(said))
if __name__ == "__main__":
    main()
"""
# What each view asks for: books, authors, and what stands in the site of those that come one by one.
VIEWS = {
    "late": (1, 3, ["book.author.name", "__get__"]),
    "method": (1, 3, ["self.author.name", "__get__"]),
    "generated": (1, 3, ["book.author.name for book", "__get__"]),
    "reverse": (3, 1, ["len(author.books.all())", "__len__"]),
    "columns": (4, 0, ["book.notes", "__get__"]),
    "template": (1, 3, ["render(request", "__get__", "render", "render"]),
    "joined": (1, 0, []),
    "prefetched": (1, 1, []),
}
SERIALIZED = {
    "nested": (1, 3, ["", "__get__", "get_attribute", "data", "list", "get", "dispatch"]),
    "slugs": (1, 3, ["", "__get__", "get_attribute", "get_attribute", "list", "get", "dispatch"]),
    "serialized": (1, 3, ["BookSerializer(", "__get__", "get_attribute", "data"]),
}
MYSQL = "django.db.backends.mysql"
POSTGRESQL = "django.db.backends.postgresql"


def statements(seen: Spooled, program: str) -> dict[str, list[tuple[str, str, list[str]]]]:
    """By endpoint: what was asked for, the project's innermost line, and the libraries' functions, innermost first."""
    source = program.splitlines()
    endpoints = {request.number: seen.endpoint(request).removeprefix("GET ").strip("/") for request in seen.requests}
    found: dict[str, list[tuple[str, str, list[str]]]] = {}
    for span in seen.of("sql"):
        if span.request and "library_" in seen.name(span):
            table = "author" if 'FROM "library_author"' in seen.name(span).replace("`", '"') else "book"
            site = seen.site(span)
            own = [line for _, file, line in site if file.endswith("program.py")]
            others = [function.rpartition(".")[2] for function, file, _ in site if not file.endswith("program.py")]
            line = source[own[-1] - 1].strip() if own else ""
            found.setdefault(endpoints[span.request], []).append((table, line, others[::-1]))
    return found


@pytest.mark.parametrize("environment", [None, OLDER, OLD, NEW])
def test_what_django_loads_late_and_at_once(environment: Environment | None, tmp_path: Path) -> None:
    said, seen = seen_in(DJANGO, tmp_path, list, build(environment) if environment else sys.executable)
    found = statements(seen, DJANGO)
    assert said["late"] == '["a0", "a1", "a2"]'
    for view, wanted in {**VIEWS, **(SERIALIZED if "nested" in said else {})}.items():
        _check(view, found[view], *wanted)
    assert ("nested" in said) == (environment is not OLDER)


@pytest.mark.parametrize("engine", [MYSQL, POSTGRESQL])
def test_through_djangos_other_backends(mariadb: Database, postgres: Database, engine: str, tmp_path: Path) -> None:
    if engine == MYSQL:
        pytest.importorskip("MySQLdb", reason="mysqlclient is not installed")

    def fresh() -> list[str]:
        database = (mariadb if engine == MYSQL else postgres).fresh()
        login = {"HOST": database.host, "PORT": database.port, "USER": database.user, "PASSWORD": database.password}
        return [json.dumps({"ENGINE": engine, "NAME": database.name, **login})]

    _, seen = seen_in(DJANGO, tmp_path, fresh)
    found = statements(seen, DJANGO)
    for view, wanted in VIEWS.items():
        _check(view, found[view], *wanted)


def _check(view: str, found: list[tuple[str, str, list[str]]], books: int, authors: int, one_by_one: list[str]) -> None:
    tables = [table for table, _, _ in found]
    assert (view, tables.count("book"), tables.count("author")) == (view, books, authors)
    if one_by_one:
        line, *functions = one_by_one
        assert len({(own, *others) for _, own, others in found[1:]}) == 1, "one site for all of them"
        assert line in found[1][1]
        assert found[1][2] == functions, view
    else:
        assert all(others == ["__iter__"] for _, _, others in found), "nothing that tells of late loading"
        assert len({line for _, line, _ in found}) == 1


def test_where_an_asynchronous_view_awaits(tmp_path: Path) -> None:
    """Django asks the database in a thread, whose own stack holds no line of the project."""
    _, seen = seen_in(DJANGO, tmp_path, list)
    lines = [line for _, line, _ in statements(seen, DJANGO)["asynchronous"]]
    assert len(lines) == 2
    assert "async for book in Book.objects.all()" in lines[0]
    assert "await Book.objects.aget(id=1)" in lines[1]


THREADS = """
import asyncio, concurrent.futures, inspect, json, sqlite3
from flask import Flask
app = Flask("threads")
database = sqlite3.connect(":memory:", check_same_thread=False)
pool = concurrent.futures.ThreadPoolExecutor(2)

@app.get("/submitted")
def submitted():
    return str(pool.submit(database.execute, "SELECT 1").result().fetchone()[0])

@app.get("/mapped")
def mapped():
    return str(sum(row[0] for row in pool.map(one, [1, 2])))

def one(n):
    return database.execute("SELECT 2").fetchone()

@app.get("/executed")
def executed():
    async def run():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, database.execute, "SELECT 3")
    return str(asyncio.run(run()).fetchone()[0])

@app.get("/broken")
def broken():
    future = pool.submit(int, "no", base=10)
    return type(future.exception()).__name__

client = app.test_client()
said = [client.get(path).get_data(as_text=True) for path in ("/submitted", "/mapped", "/executed", "/broken")]
try:
    pool.submit()
except TypeError as error:
    said.append(type(error).__name__)
pool.submit(database.execute, "SELECT 4").result()
said.append(str(inspect.signature(concurrent.futures.ThreadPoolExecutor.submit)))
pool.shutdown()
try:
    pool.submit(print)
except RuntimeError as error:
    said.append(str(error))
print(json.dumps(said))
"""


@pytest.mark.parametrize("environment", [None, OLDER, NEW])
def test_work_in_threads_stays_the_requests(environment: Environment | None, tmp_path: Path) -> None:
    said, seen = seen_in(THREADS, tmp_path, list, build(environment) if environment else sys.executable)
    assert said[:4] == ["1", "4", "3", "ValueError"]
    found: dict[str, list[str]] = {}
    source = THREADS.splitlines()
    endpoints = {request.number: seen.endpoint(request) for request in seen.requests}
    for span in seen.of("sql"):
        own = [line for _, file, line in seen.site(span) if file.endswith("program.py")]
        line = source[own[-1] - 1].strip() if own else ""
        found.setdefault(endpoints.get(span.request, ""), []).append(line)
    assert found == {
        "GET /submitted": ['return str(pool.submit(database.execute, "SELECT 1").result().fetchone()[0])'],
        "GET /mapped": ['return database.execute("SELECT 2").fetchone()'] * 2,
        "GET /executed": ['return await loop.run_in_executor(pool, database.execute, "SELECT 3")'],
        "": [""],
    }


JINJA = """
import json, pathlib, sqlite3
from flask import Flask, render_template
folder = pathlib.Path(__file__).parent / "templates"
folder.mkdir(exist_ok=True)
(folder / "names.html").write_text("<ul>\\n{% for n in (1, 2, 3) %}\\n\\n<li>{{ execute('SELECT 1').fetchone() }}</li>{% endfor %}\\n")
app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False)

@app.get("/")
def names():
    return render_template("names.html", execute=database.execute)

print(json.dumps(app.test_client().get("/").get_data(as_text=True)))
"""


@pytest.mark.parametrize("environment", [None, OLDER, NEW])
def test_a_line_of_a_jinja_template_is_the_templates_own(environment: Environment | None, tmp_path: Path) -> None:
    _, seen = seen_in(JINJA, tmp_path, list, build(environment) if environment else sys.executable)
    sites = {tuple((Path(file).name, line) for _, file, line in seen.site(span)) for span in seen.of("sql")}
    assert len(seen.of("sql")) == 3
    (site,) = sites
    assert "names.html" in {name for name, _ in site}
    assert dict(site)["names.html"] == 4


GENERATED = """
import dataclasses, json, sqlite3
database = sqlite3.connect(":memory:")
space = {"__name__": "library", "database": database}
exec("def through(n):\\n    return database.execute('SELECT 1')", space)

def ask():
    return space["through"](1)

print(json.dumps(ask().fetchall()))
"""


def test_code_that_libraries_write_for_themselves_is_not_the_projects(tmp_path: Path) -> None:
    _, seen = seen_in(GENERATED, tmp_path, list)
    (span,) = seen.of("sql")
    own = [function for function, file, _ in seen.site(span) if file.endswith("program.py")]
    assert own == ["<module>", "ask"]

"""The libraries that the probe knows: a file of this folder, and the modules whose import it waits for. One line each."""

from __future__ import annotations


LIBRARIES: dict[str, tuple[str, ...]] = {
    "flask_app": ("flask.app",),
    "django_app": (
        "django.core.handlers.base",
        "django.core.handlers.wsgi",
        "django.core.handlers.asgi",
        "django.template.response",
    ),
    "starlette_app": ("starlette.applications", "starlette.routing", "starlette.responses", "fastapi.routing"),
    "aiohttp_server": ("aiohttp.web_protocol", "aiohttp.web_urldispatcher", "aiohttp.web_response"),
    "servers_asgi": (
        "uvicorn.protocols.http.h11_impl",
        "uvicorn.protocols.http.httptools_impl",
        "hypercorn.app_wrappers",
        "gunicorn.workers.gasgi",
    ),
    "servers_wsgi": ("gunicorn.workers.base", "wsgiref.handlers", "waitress.server"),
    "anyio_threads": ("anyio.to_thread",),
    "sqlite3_driver": ("sqlite3", "sqlite3.dbapi2"),
    "aiosqlite_driver": ("aiosqlite.core",),
    "psycopg_driver": ("psycopg",),
    "psycopg_pools": ("psycopg_pool",),
    "psycopg2_driver": ("psycopg2",),
    "psycopg2_pools": ("psycopg2.pool",),
    "pymysql_driver": ("pymysql.cursors", "pymysql.connections"),
    "mysqlclient_driver": ("MySQLdb.cursors", "MySQLdb.connections"),
    "asyncpg_driver": (
        "asyncpg.connect_utils",
        "asyncpg.connection",
        "asyncpg.cursor",
        "asyncpg.pool",
        "asyncpg.prepared_stmt",
    ),
    "django_sqlite": ("django.db.backends.sqlite3.base",),
    "sqlalchemy_pool": ("sqlalchemy",),
    "futures_threads": ("concurrent.futures.thread", "asgiref.current_thread_executor"),
    "regex_compiles": ("re._compiler", "sre_compile"),
    "templates_jinja2": ("jinja2.environment",),
    "templates_django": ("django.template.base",),
    "json_responses": (
        "django.http.response",
        "flask.json",
        "flask.json.provider",
        "starlette.responses",
        "fastapi.responses",
        "fastapi.routing",
        "rest_framework.renderers",
        "aiohttp.web_response",
    ),
    "celery_tasks": ("celery.app.trace",),
}

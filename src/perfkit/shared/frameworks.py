"""What is known about servers, frameworks and waiting places: where a request begins, where its handler begins, what waits.

Tables of (file as its library calls it, function). They describe libraries, never applications.
"""

from __future__ import annotations

from typing import Final

from perfkit.model.recording import Frame
from perfkit.shared.origin import module_path

# A frame of these begins a request: the server hands it to the application. Celery and other queues: a task.
SERVERS: Final = {
    "gunicorn/workers/sync.py": {"handle_request"},
    "gunicorn/workers/gthread.py": {"handle_request"},
    "gunicorn/workers/base_async.py": {"handle_request"},
    "gunicorn/workers/ggevent.py": {"handle_request"},
    "gunicorn/workers/gasgi.py": {"_run_app", "handle_request"},
    "gunicorn/asgi/protocol.py": {"_handle_http_request", "_run_app"},
    "werkzeug/serving.py": {"run_wsgi", "execute"},
    "starlette/middleware/base.py": {"coro"},  # what lies behind such a middleware runs in a task of its own
    "uvicorn/protocols/http/h11_impl.py": {"run_asgi"},
    "uvicorn/protocols/http/httptools_impl.py": {"run_asgi"},
    "hypercorn/app_wrappers.py": {"__call__", "handle_http", "run_app"},
    "granian/asgi.py": {"_runner"},
    "granian/wsgi.py": {"__call__"},
    "daphne/server.py": {"create_application"},
    "waitress/task.py": {"execute"},
    "wsgiref/handlers.py": {"run"},
    "cheroot/server.py": {"respond"},
    "cherrypy/_cpwsgi.py": {"__call__"},
    "eventlet/wsgi.py": {"handle_one_response"},
    "gevent/pywsgi.py": {"run_application"},
    "http/server.py": {"handle_one_request"},
    "aiohttp/web_protocol.py": {"_handle_request"},
    "tornado/web.py": {"_execute"},
    "grpc/_server.py": {"_call_behavior"},
    "celery/app/trace.py": {"trace_task"},
    "rq/worker.py": {"perform_job"},
    "rq/job.py": {"perform"},
    "dramatiq/worker.py": {"process_message"},
    "huey/api.py": {"execute"},
}

# The handler is the next project frame above one of these.
DISPATCHERS: Final = {
    "django/core/handlers/base.py": {"_get_response", "_get_response_async"},
    "django/core/handlers/wsgi.py": {"__call__"},
    "django/core/handlers/asgi.py": {"__call__"},
    "rest_framework/views.py": {"dispatch"},
    "flask/app.py": {"__call__", "wsgi_app", "dispatch_request"},
    "quart/app.py": {"__call__", "dispatch_request"},
    "fastapi/routing.py": {"run_endpoint_function"},
    "starlette/routing.py": {"app", "dispatch", "handle"},
    "starlette/endpoints.py": {"dispatch"},
    "aiohttp/web_app.py": {"_handle"},
    "bottle.py": {"_handle"},
    "falcon/app.py": {"__call__"},
    "falcon/asgi/app.py": {"__call__"},
    "pyramid/router.py": {"handle_request"},
    "sanic/app.py": {"handle_request"},
    "litestar/routes/http.py": {"handle"},
    "celery/app/trace.py": {"__protected_call__", "trace_task"},
}

# Dispatchers that only lead towards a handler: what stands above them may be middleware or the framework itself.
_ENTRIES: Final = {"__call__", "wsgi_app", "app", "handle", "application", "do_GET", "do_POST"}

# Worker threads of a pool: in an asynchronous server their work belongs to requests.
POOLS: Final = {
    "anyio/_backends/_asyncio.py": {"run"},
    "concurrent/futures/thread.py": {"run"},
    "asgiref/sync.py": {"thread_handler"},
}

# A forked worker begins here; below lie the frames of its parent.
FORKS: Final = {
    "multiprocessing/process.py": {"_bootstrap"},
    "billiard/process.py": {"_bootstrap"},
}

EVENT_LOOPS: Final = {
    "asyncio/base_events.py": {"run_forever", "run_until_complete", "_run_once"},
    "asyncio/runners.py": {"run"},
    "uvloop/__init__.py": {"run", "wrapper"},
}

TEST_CLIENTS: Final = {
    "werkzeug/test.py",
    "flask/testing.py",
    "django/test/client.py",
    "starlette/testclient.py",
    "httpx/_transports/asgi.py",
    "httpx/_transports/wsgi.py",
    "rest_framework/test.py",
    "webtest/app.py",
    "celery/app/task.py",
}

# Plumbing: time in these is spent on behalf of whoever they serve, and they carry everything without deciding it.
PLUMBING: Final = frozenset(
    [
        "gunicorn",
        "werkzeug",
        "uvicorn",
        "hypercorn",
        "waitress",
        "cheroot",
        "gevent",
        "eventlet",
        "daphne",
        "granian",
        "uvloop",
        "asgiref",
        "anyio",
        "starlette",
        "fastapi",
        "flask",
        "quart",
        "django",
        "djangorestframework",
        "aiohttp",
        "tornado",
        "sanic",
        "litestar",
        "bottle",
        "falcon",
        "pyramid",
        "celery",
        "kombu",
        "billiard",
        "amqp",
        "rq",
        "dramatiq",
        "huey",
        "django-ninja",
        "flask-restful",
        "flask-restx",
        "connexion",
        "h11",
        "httptools",
        "pytest",
        "pluggy",
        "_pytest",
        "click",
        "typer",
        "fire",
        "docopt",
        "invoke",
        "cleo",
        "absl-py",
        "cement",
        "opentelemetry-instrumentation",
        "sentry-sdk",
        "ddtrace",
        "newrelic",
        "nox",
        "tox",
    ]
)

# Leaves that wait for work, by file and function: an idle process is full of them.
_WAITING: Final = {
    "selectors.py": {"select"},
    "threading.py": {"wait", "_wait_for_tstate_lock", "join", "acquire", "_shutdown", "__enter__"},
    "queue.py": {"get", "put"},
    "concurrent/futures/thread.py": {"_worker"},
    "concurrent/futures/_base.py": {"result", "wait"},
    "multiprocessing/connection.py": {"_recv", "_poll", "wait", "accept", "_accept"},
    "multiprocessing/popen_fork.py": {"poll", "wait"},
    "multiprocessing/pool.py": {"wait", "get"},
    "multiprocessing/queues.py": {"get"},
    "multiprocessing/synchronize.py": {"__enter__", "acquire"},
    "multiprocessing/resource_tracker.py": {"main"},
    "multiprocessing/forkserver.py": {"main"},
    "subprocess.py": {"_wait", "_try_wait", "wait", "_communicate", "_execute_child"},
    "signal.py": {"pause", "sigwait"},
    "gunicorn/arbiter.py": {"sleep", "wait_for_signals", "run"},
    "gunicorn/workers/sync.py": {"wait", "accept", "run_for_one", "run_for_multiple"},
    "gunicorn/workers/gthread.py": {"run", "poll"},
    "kombu/utils/eventio.py": {"poll", "_poll"},
    "kombu/asynchronous/hub.py": {"create_loop"},
    "billiard/popen_fork.py": {"poll", "wait"},
    "billiard/pool.py": {"_poll", "wait"},
    "billiard/connection.py": {"_recv", "_poll", "wait"},
    "billiard/synchronize.py": {"__enter__", "acquire"},
    "gevent/hub.py": {"run", "wait", "join"},
    "gevent/_threading.py": {"get"},
    "eventlet/hubs/epolls.py": {"wait"},
    "asyncio/base_events.py": {"_run_once", "run_forever", "run_until_complete"},
    "asyncio/runners.py": {"run"},
    "uvloop/__init__.py": {"run"},
    "watchfiles/main.py": {"watch"},
    "werkzeug/_reloader.py": {"run", "run_step"},
    "django/utils/autoreload.py": {"tick", "run_loop"},
}
_IO: Final = {
    "socket.py": {"accept", "readinto", "_accept", "create_connection", "recv", "send", "sendall", "getaddrinfo"},
    "ssl.py": {"read", "recv", "recv_into", "send", "sendall", "do_handshake", "write"},
    "socketserver.py": {"get_request", "write"},
    "http/client.py": {"_read_status", "readinto", "send"},
    "pymysql/connections.py": {"_read_bytes", "_write_bytes"},
    "asyncio/selector_events.py": {"_read_ready__data_received", "send"},
    "subprocess.py": set[str](),
    "psycopg/waiting.py": {"wait", "wait_selector", "wait_c", "wait_poll", "wait_epoll"},
    "redis/_parsers/socket.py": {"_read_from_socket"},
}


def short_name(function: str) -> str:
    """`Flask.wsgi_app` → `wsgi_app`: older interpreters give only the last part."""
    return function.rpartition(".")[2]


def listed(table: dict[str, set[str]], frame: Frame) -> bool:
    """Whether a frame is in a table. Project files never are: a project may well have a `queue.py`."""
    if frame.origin == "app":
        return False
    functions = table.get(module_path(frame.file))
    return functions is not None and short_name(frame.function) in functions


def is_entry(frame: Frame) -> bool:
    """Whether a dispatcher is an application's entry or a router, rather than the caller of the handler."""
    return short_name(frame.function) in _ENTRIES


def waits_for_work(frame: Frame) -> bool:
    return listed(_WAITING, frame)


def waits_for_io(frame: Frame) -> bool:
    return listed(_IO, frame)


def is_plumbing(distribution: str | None) -> bool:
    return distribution is not None and distribution.lower().replace("_", "-") in PLUMBING

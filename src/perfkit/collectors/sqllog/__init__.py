"""Logs of databases: files, or a stream, come in; one SqlLog goes out. One format a file, in the order in which they are tried."""

from __future__ import annotations

from perfkit.collectors.sqllog.interface import LogFormat
from perfkit.shared.registry import Registry

LOG_FORMATS: Registry[LogFormat] = Registry(
    "log format",
    "perfkit.log_formats",
    {
        "postgres-csv": "perfkit.collectors.sqllog.postgres_csv:FORMAT",
        "postgres-json": "perfkit.collectors.sqllog.postgres_json:FORMAT",
        "postgres-syslog": "perfkit.collectors.sqllog.postgres_syslog:FORMAT",
        "postgres-stderr": "perfkit.collectors.sqllog.postgres_stderr:FORMAT",
        "mysql-slow": "perfkit.collectors.sqllog.mysql_slow:FORMAT",
        "mysql-table": "perfkit.collectors.sqllog.mysql_table:FORMAT",
        "django": "perfkit.collectors.sqllog.django_debug:FORMAT",
        "sqlalchemy": "perfkit.collectors.sqllog.sqlalchemy_echo:FORMAT",
    },
)

"""The workload behind the logs of `sql_logs`: a shop, as an ORM, a report, an import and a careless hand would ask it.

Every part is called with a running server and takes no time of its own: nothing sleeps, the one lock wait ends when the
server says that it waits.
"""

from __future__ import annotations

import random
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from databases import LONGEST, PASSWORD, USER

if TYPE_CHECKING:
    from sql_logs import Server

SHOP, OFFICE = "shop", "büro"
WEB, REPORTS = "web", "report writer"
ORDERS, LOOP = 400, 12

SCHEMA = (
    "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text)",
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status text, total numeric(12,2))",
    'CREATE TABLE "Order Items" (id serial PRIMARY KEY, order_id int NOT NULL, sku text, "Amount" int)',
    "CREATE TABLE notes (id serial PRIMARY KEY, body text)",
    "INSERT INTO customers SELECT i, 'Customer ' || i, (ARRAY['Köln','東京','Oslo'])[1 + i % 3] FROM generate_series(1, 200) i",
    f"INSERT INTO orders SELECT i, 1 + i % 200, CASE WHEN i % 7 = 0 THEN 'open' ELSE 'paid' END, i * 1.5 FROM generate_series(1, {ORDERS}) i",
    f"""INSERT INTO "Order Items" (order_id, sku, "Amount") SELECT 1 + i % {ORDERS}, 'sku-' || i, i % 9 FROM generate_series(1, 1200) i""",
    """CREATE FUNCTION open_total(customer int) RETURNS numeric LANGUAGE plpgsql AS $body$
BEGIN
	RETURN (SELECT sum(total) FROM orders WHERE customer_id = customer AND status = 'open');
END
$body$""",
    'GRANT ALL ON ALL TABLES IN SCHEMA public TO web, "report writer"',
    'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO web, "report writer"',
)
MYSQL_SCHEMA = (
    "CREATE TABLE customers (id int PRIMARY KEY, name varchar(100) NOT NULL, city varchar(100))",
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status varchar(20), total decimal(12,2))",
    "CREATE TABLE `Order Items` (id int AUTO_INCREMENT PRIMARY KEY, order_id int NOT NULL, sku varchar(40), `Amount` int)",
    "CREATE TABLE notes (id int AUTO_INCREMENT PRIMARY KEY, body text)",
    "INSERT INTO customers SELECT seq, CONCAT('Customer ', seq), ELT(1 + seq % 3, 'Köln', '東京', 'Oslo') FROM seq_1_to_200",
    f"INSERT INTO orders SELECT seq, 1 + seq % 200, IF(seq % 7 = 0, 'open', 'paid'), seq * 1.5 FROM seq_1_to_{ORDERS}",
    f"INSERT INTO `Order Items` (order_id, sku, `Amount`) SELECT 1 + seq % {ORDERS}, CONCAT('sku-', seq), seq % 9 FROM seq_1_to_1200",
)
TAG = (
    "/*controller='orders',route='%2Forders%2F',traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/"
)


def prepare_postgres(server: Server) -> None:
    with closing(server.connect(USER, "postgres")) as connection:
        connection.execute(f"CREATE DATABASE {SHOP}")
        connection.execute(f'CREATE DATABASE "{OFFICE}"')
        for name in (WEB, REPORTS):
            connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}'")
    for name in (SHOP, OFFICE):
        with closing(server.connect(USER, name)) as connection:
            for statement in SCHEMA:
                connection.execute(statement)


def postgres_round(server: Server, number: int) -> None:
    """Some 300 statements in four sessions; a later round has other values."""
    values = random.Random(number)
    with closing(server.connect(WEB, SHOP, application_name="shop web")) as connection:
        _orm(connection, values)
    with closing(server.connect(REPORTS, OFFICE, application_name='täglich, "groß"')) as connection:
        _report(connection, values)
    with closing(server.connect(WEB, SHOP, application_name="")) as connection:
        _by_hand(connection, values)
    with closing(server.connect(USER, SHOP, application_name="import")) as connection:
        _import(connection, values)


def _orm(connection: Any, values: random.Random) -> None:
    """The extended protocol, with and without statements that the server keeps; one loop of a statement an order."""
    for prepare in (None, False, True):
        orders = connection.execute(
            'SELECT "orders"."id", "orders"."total" FROM "orders" WHERE "orders"."status" = %s ORDER BY "orders"."id" LIMIT 12',
            ("open",),
            prepare=prepare,
        ).fetchall()
        for order, _ in orders[:LOOP]:
            connection.execute(
                'SELECT "i"."sku", "i"."Amount" FROM "Order Items" "i" WHERE "i"."order_id" = %s',
                (order,),
                prepare=prepare,
            )
    for _ in range(20):
        with connection.transaction():
            order = values.randint(1, ORDERS)
            connection.execute("SELECT id, status FROM orders WHERE id = %s FOR UPDATE", (order,))
            connection.execute("UPDATE orders SET status = %s WHERE id = %s", (values.choice(("open", "paid")), order))
            connection.execute("INSERT INTO notes (body) VALUES (%s)", (values.choice(NOTES),))
    for n in (1, 3, 9):
        ids = [values.randint(1, ORDERS) for _ in range(n)]
        connection.execute(
            f"SELECT id FROM orders WHERE id IN ({', '.join(['%s'] * n)}) " + TAG.replace("%", "%%"), ids
        )
    with suppress(Exception):
        connection.execute("INSERT INTO customers (id, name) VALUES (%s, %s)", (1, "there"))
    with suppress(Exception):
        connection.execute("SELECT total / %s FROM orders", (0,))


NOTES = (
    "plain",
    'it\'s a "quote", and a , comma',
    "back\\slash \\n and \\\\",
    "lines\nand\ttabs\r\nof two systems",
    "日本語 – ünï ☃ 🎉",
    "duration: 12.345 ms  statement: SELECT 'not one'",
    "2026-01-01 00:00:00.000 UTC [1] LOG:  duration: 1.000 ms",
    "x" * 300,
    "",
    None,
)


def _report(connection: Any, values: random.Random) -> None:
    """Statements over several lines with tabs and comments, a sort and a hash that need files, a cursor."""
    connection.execute("SET work_mem = '64kB'")
    connection.execute("SELECT a.i, md5(a.i::text) FROM generate_series(1, 3000) a(i) ORDER BY md5(a.i::text), a.i")
    for city in ("Köln", "東京", "Oslo"):
        connection.execute(
            f"""
-- how much each customer's open orders are worth
SELECT c.name, /* in the town's currency; see "rates" */
	count(*) AS n,
	sum(o.total) AS "Total"
FROM customers c
	JOIN orders o ON o.customer_id = c.id

WHERE c.city = '{city}'
	AND o.total > {values.randint(1, 50)}.5
GROUP BY c.name
ORDER BY 3 DESC
LIMIT 10
"""
        )
    connection.execute("SELECT open_total(%s)", (values.randint(1, 200),))
    connection.execute(f"SELECT open_total({values.randint(1, 200)})")
    with connection.transaction(), connection.cursor(name="rows") as cursor:
        cursor.itersize = 50
        cursor.execute("SELECT id, total FROM orders ORDER BY total")
        cursor.fetchmany(120)
        cursor.fetchmany(20)
    connection.execute("SET statement_timeout = '1ms'")
    with suppress(Exception):
        connection.execute("SELECT count(*) FROM generate_series(1, 300000) a, orders b, orders c")


def _by_hand(connection: Any, values: random.Random) -> None:
    """The simple protocol: all that SQL allows to write a value."""
    import psycopg

    cursor = psycopg.ClientCursor(connection)
    for n in (1, 2, 5, 40):
        ids = ", ".join(str(values.randint(1, ORDERS)) for _ in range(n))
        cursor.execute(f"SELECT * FROM orders WHERE id IN ({ids})")
        rows = ", ".join(f"('note {values.random()}')" for _ in range(n))
        cursor.execute(f"INSERT INTO notes (body) VALUES {rows}")
    for note in NOTES:
        cursor.execute("INSERT INTO notes (body) VALUES (%s)", (note,))
        cursor.execute("SELECT count(*) FROM notes WHERE body = %s", (note,))
    for text in (
        r"SELECT E'it\'s \\ an escape', 1e-5, -5, x'1F', B'101'",
        "SELECT $$a dollar's worth$$, $tag$ of $$ quotes -- and no comment $tag$",
        "SELECT 1 /* outer /* inner */ still outer */ + 1",
        "SELECT id -- the customer's\nFROM customers WHERE id = 7",
        "SELECT 'two\tparts'",
        f"SELECT id FROM orders WHERE status = 'open' {TAG}",
        'SELECT "Amount" AS "a ""quoted"" name" FROM "Order Items" WHERE id = 3',
        "SELECT 'ünï', '東京', U&'\\0041'",
        "SELECT total::text, id FROM orders WHERE total BETWEEN 10 AND 20.5;",
        "   SELECT 1   ",
    ):
        cursor.execute(text)
    for status in ("open", "paid", "lost"):
        for order in cursor.execute("SELECT id FROM orders WHERE status = %s LIMIT 8", (status,)).fetchall():
            cursor.execute("SELECT name FROM customers WHERE id = %s", order)
    for wrong in (
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT 1 / 0",
        "SELECT 'open",
        'SELECT "Über" FROM orders\nWHERE 1',
    ):
        with suppress(psycopg.Error):
            cursor.execute(wrong)


def _import(connection: Any, values: random.Random) -> None:
    """One row at a time, COPY, statements prepared in SQL."""
    for _ in range(15):
        connection.execute(
            'INSERT INTO "Order Items" (order_id, sku, "Amount") VALUES (%s, %s, %s)',
            (values.randint(1, ORDERS), f"sku-{values.random()}", values.randint(1, 9)),
        )
    with connection.cursor() as cursor, cursor.copy("COPY notes (body) FROM STDIN") as copy:
        for _ in range(20):
            copy.write_row((str(values.random()),))
    connection.execute("PREPARE by_status (text) AS SELECT count(*) FROM orders WHERE status = $1")
    for status in ("open", "paid"):
        connection.execute(f"EXECUTE by_status ('{status}')")
    connection.execute("DEALLOCATE by_status")
    connection.execute("ANALYZE orders")


def postgres_locks(server: Server) -> None:
    """Somebody waits for a row until the server has logged that."""
    with (
        closing(server.connect(WEB, SHOP, application_name="first")) as first,
        closing(server.connect(WEB, SHOP, application_name="second")) as second,
        server.quiet() as watch,
    ):
        first.execute("BEGIN")
        first.execute("UPDATE orders SET total = total + 1 WHERE id = 5")
        waiting = threading.Thread(target=second.execute, args=("UPDATE orders SET total = total - 1 WHERE id = 5",))
        waiting.start()
        waited = "SELECT count(*) FROM pg_locks WHERE NOT granted AND clock_timestamp() - waitstart > '40ms'"
        while waiting.is_alive() and not watch.execute(waited).fetchone()[0]:
            waiting.join(0.01)
        first.execute("COMMIT")
        waiting.join(LONGEST)


def prepare_mariadb(server: Server) -> None:
    with closing(server.connect(USER, USER)) as connection, connection.cursor() as cursor:
        for name in (SHOP, OFFICE):
            cursor.execute(f"CREATE DATABASE `{name}`")
            cursor.execute(f"USE `{name}`")
            for statement in MYSQL_SCHEMA:
                cursor.execute(statement)
        for name in (WEB, REPORTS):
            cursor.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'")
            cursor.execute(f"GRANT ALL ON *.* TO '{name}'@'%'")


def mariadb_round(server: Server, number: int) -> None:
    """Some 250 statements in three sessions; a later round has other values."""
    values = random.Random(number)
    with closing(server.connect(WEB, SHOP)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, total FROM orders WHERE status = %s ORDER BY id LIMIT 40", ("open",))
        for order, _ in cursor.fetchall():
            cursor.execute("SELECT sku, `Amount` FROM `Order Items` WHERE order_id = %s", (order,))
        for _ in range(20):
            order = values.randint(1, ORDERS)
            cursor.execute("BEGIN")
            cursor.execute("SELECT id, status FROM orders WHERE id = %s FOR UPDATE", (order,))
            cursor.execute("UPDATE orders SET status = %s WHERE id = %s", (values.choice(("open", "paid")), order))
            cursor.execute("COMMIT")
        for n in (1, 2, 5, 40):
            ids = ", ".join(str(values.randint(1, ORDERS)) for _ in range(n))
            cursor.execute(f"SELECT * FROM orders WHERE id IN ({ids}) {TAG}")
            rows = ", ".join(f"('note {values.random()}')" for _ in range(n))
            cursor.execute(f"INSERT INTO notes (body) VALUES {rows}")
    with closing(server.connect(REPORTS, OFFICE)) as connection, connection.cursor() as cursor:
        for note in NOTES:
            cursor.execute("INSERT INTO notes (body) VALUES (%s)", (note,))
            cursor.execute("SELECT count(*) FROM notes WHERE body = %s", (note,))
        for city in ("Köln", "東京", "Oslo"):
            cursor.execute(
                f"""
-- how much each customer's open orders are worth
SELECT c.name, /* in the town's currency; see `rates` */
	count(*) AS n
FROM customers c
	JOIN orders o ON o.customer_id = c.id

WHERE c.city = "{city}" AND o.total > {values.randint(1, 50)}.5 # cheap ones
GROUP BY c.name
ORDER BY 2 DESC
LIMIT 10
"""
            )
        cursor.execute("SELECT * FROM orders a, orders b WHERE a.total < b.total ORDER BY a.status, b.status LIMIT 5")
    with closing(server.connect(WEB, SHOP)) as connection, connection.cursor() as cursor:
        for text in (
            r"SELECT 'it\'s \\ an escape', 1e-5, -5, 0x1F, b'101', N'x', _utf8mb4'y'",
            'SELECT \'it\'\'s\', "say ""so"""',
            "SELECT /*+ MAX_EXECUTION_TIME(1000) */ id FROM orders LIMIT 20, 10",
            "SELECT 1; -- the customer's",
            f"USE `{OFFICE}`",
            "SELECT count(*) FROM `Order Items`",
            "SHOW TABLES",
        ):
            cursor.execute(text)
        connection.ping(reconnect=False)
        connection.select_db(SHOP)
        for _ in range(15):
            cursor.execute(
                "INSERT INTO `Order Items` (order_id, sku, `Amount`) VALUES (%s, %s, %s)",
                (values.randint(1, ORDERS), f"sku-{values.random()}", values.randint(1, 9)),
            )

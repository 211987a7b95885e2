"""Real data by every way in: line protocol, INSERT, COPY of CSV and Parquet, in the shell and on the server.

After each, with the rows in memory and again after a flush and a restart, twenty queries are compared value by value
with stock DuckDB over the same data.
"""

import duckdb
import pytest

import flights_data
from harness import Server, sql_command
from queries import FLIGHTS, WEATHER, assert_same_rows

LINES_PER_REQUEST = 10_000
ROWS_PER_INSERT = 5_000


@pytest.fixture(scope="module")
def answers():
    """Query text -> what stock DuckDB says."""
    connection = duckdb.connect()
    for table in flights_data.TABLES:
        connection.register(f"{table}_arrow", flights_data.arrow_table(table))
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {table}_arrow")
    return {query: connection.execute(query).to_arrow_table() for query in [*WEATHER.values(), *FLIGHTS.values()]}


def compare(server, answers):
    for group, queries in (("weather", WEATHER), ("flights", FLIGHTS)):
        for name, query in queries.items():
            assert_same_rows(f"{group}: {name}", server.table(query), answers[query])


def compare_live_and_restarted(server, answers):
    """In memory as it was written, then from files, by another process."""
    compare(server, answers)
    server.flush()
    compare(server, answers)
    server.stop()
    with Server(server.data) as again:
        compare(again, answers)


def test_line_protocol_makes_the_tables(tmp_path, answers):
    with Server(tmp_path / "data", env={"VARVE_DEFAULT_TIMESTAMP_COLUMN_NAME": "time_hour"}) as server:
        for table in flights_data.TABLES:
            batch = []
            for line in flights_data.line_protocol(table):
                batch.append(line)
                if len(batch) == LINES_PER_REQUEST:
                    server.write("\n".join(batch))
                    batch = []
            server.write("\n".join(batch))
            if table == "weather":
                server.flush()  # one table in files, the other in memory
        assert "enable_ttl='false'" in server.rows("SHOW CREATE TABLE weather")[0]["Create Table"]
        compare_live_and_restarted(server, answers)


def test_insert(tmp_path, answers):
    with Server(tmp_path / "data") as server:
        for table, rows in flights_data.ROWS.items():
            server.sql(flights_data.create_statement(table))
            affected = sum(server.sql(statement)["affected_rows"]
                           for statement in flights_data.insert_statements(table, ROWS_PER_INSERT))
            assert affected == rows
        compare_live_and_restarted(server, answers)


@pytest.mark.parametrize("write", [flights_data.write_csv, flights_data.write_parquet], ids=["csv", "parquet"])
def test_copy_in_the_shell(tmp_path, answers, write):
    data = tmp_path / "data"
    for table, rows in flights_data.ROWS.items():
        path = write(table, tmp_path)
        done = sql_command("--data", data, "-c", flights_data.create_statement(table), "-c",
                           f"COPY {table} FROM '{path}'")
        assert f"{rows} rows affected" in done.stdout
    with Server(data) as server:
        compare_live_and_restarted(server, answers)


def test_copy_on_the_server_from_an_allowed_folder(tmp_path, answers):
    allowed, other = tmp_path / "in", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    config = tmp_path / "varve.toml"
    config.write_text(f"[copy]\nallowed_folders = [\"{allowed}\"]\n")
    with Server(tmp_path / "data", "--config", str(config)) as server:
        for table, rows in flights_data.ROWS.items():
            server.sql(flights_data.create_statement(table))
            path = flights_data.write_parquet(table, allowed)
            assert server.sql(f"COPY {table} FROM '{path}'")["affected_rows"] == rows
        outside = flights_data.write_parquet("weather", other)
        for path in (outside, f"{allowed}/../other/weather.parquet", "/etc/passwd"):
            answer = server.post("/sql", f"COPY weather FROM '{path}'".encode())
            assert answer.status_code == 400, answer.text
        link = allowed / "link.parquet"
        link.symlink_to(outside)
        assert server.post("/sql", f"COPY weather FROM '{link}'".encode()).status_code == 400
        compare_live_and_restarted(server, answers)


def test_copy_through_a_url_explains_where_files_are_read(tmp_path):
    with Server(tmp_path / "data") as server:
        server.sql(flights_data.create_statement("weather"))
        path = flights_data.write_csv("weather", tmp_path)
        done = sql_command("--url", server.url, "-c", f"COPY weather FROM '{path}'", expect=1)
        assert "copy.allowed_folders" in done.stderr and "--data" in done.stderr

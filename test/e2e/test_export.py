"""`varve export` and `varve import`: with a server and without, all types and formats, damage, and what others can read."""

import json
import subprocess

import duckdb
import pytest
from harness import Server, binary
from snapshot_reader import check, restore

TYPES = """CREATE TABLE types (t timestamp NOT NULL, host string TAG, n uint64 TAG, d double, f float, s string,
    s2 string DICTIONARY, b varbinary, i bigint, i4 int, i2 smallint, i1 tinyint, u4 uint32, u2 uint16, u1 uint8,
    o boolean, da date, ti time, TIMESTAMP KEY(t)) WITH (enable_ttl='false', segment_duration='1d')"""
DAY = 86_400_000


def run(*arguments, expect=0):
    done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def fill(server):
    server.sql(TYPES)
    server.sql(f"""INSERT INTO types (t, host, n, d, f, s, s2, b, i, i4, i2, i1, u4, u2, u1, o, da, ti) VALUES
        (1, 'a', 18446744073709551615, 1.5, 0.25, '', 'x', x'00ff5c', -9223372036854775808, -1, -2, -3, 4294967295,
         65535, 255, true, '2024-02-29', '23:59:59.999999'),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        ({DAY * 3}, 'a', 0, 0.1, 3.0, 'NULL', '2020-01-01', x'', 1, 2, 3, 4, 5, 6, 7, false, '0001-01-01', '00:00:00')""")
    server.sql("INSERT INTO types (t, host, d) VALUES (5, 'nan', CAST('NaN' AS double)), (6, 'inf', CAST('-Infinity' AS double))")
    server.sql("CREATE TABLE `odd.Name` (ts timestamp NOT NULL, k string TAG, v double, TIMESTAMP KEY(ts)) "
               "PARTITION BY KEY(k) PARTITIONS 3 WITH (enable_ttl='false')")
    for i in range(40):
        server.sql(f"INSERT INTO `odd.Name` (ts, k, v) VALUES ({i * DAY // 10}, 'k{i % 7}', {i})")
    server.sql("CREATE TABLE log (t timestamp NOT NULL, m string, TIMESTAMP KEY(t)) "
               "WITH (update_mode='APPEND', enable_ttl='false')")
    server.sql("INSERT INTO log (t, m) VALUES (1, 'twin'), (1, 'twin')")
    server.sql("INSERT INTO types (t, host, n, d) VALUES (1, 'a', 18446744073709551615, 2.5)")  # replaces
    server.sql("DELETE FROM `odd.Name` WHERE v = 13")
    server.sql("CREATE VIEW late AS SELECT * FROM log WHERE t > 0")


def contents(server, schema="public"):
    return {table: server.table(f"SELECT * FROM {schema}.{table} ORDER BY ALL").to_pylist().__repr__()
            for table in ("types", "`odd.Name`", "log", "late")}


@pytest.mark.parametrize("data_format", ["parquet", "csv", "json"])
def test_everything_comes_back_and_others_can_read_it(tmp_path, data_format):
    place = f"file://{tmp_path}/snap"
    allowed = {"VARVE_COPY_ALLOWED_FOLDERS": str(tmp_path)}
    with Server(tmp_path / "source", env=allowed) as source:
        fill(source)
        before = contents(source)
        done = run("export", "create", "--to", place, "--url", source.url, "--format", data_format,
                   "--parallelism", 4, "--end-time", "1970-01-08")
        assert done.stdout.startswith("done: 46 rows")
        (row,) = source.rows("SELECT state, chunks, chunks_done, rows FROM system.public.exports")
        assert row["state"] == "done" and row["chunks"] == row["chunks_done"] and row["rows"] == 46
        assert contents(source) == before
    check(tmp_path / "snap")
    run("export", "verify", "--snapshot", place)
    listed = run("export", "list", "--location", f"file://{tmp_path}").stdout.split("\t")
    assert listed[:2] == ["snap", "complete"] and listed[3] == data_format
    run("import", "--from", place, "--data", tmp_path / "target", "--dry-run")
    run("import", "--from", place, "--data", tmp_path / "target", "--parallelism", 4)
    run("import", "--from", place, "--data", tmp_path / "target")  # once more: nothing is added
    with Server(tmp_path / "target", env=allowed) as target:
        assert contents(target) == before
        assert target.sql(f"IMPORT DATABASE FROM '{place}' WITH (rename_schema = 'public=again')")["rows"][0]["rows"] == 46
        assert contents(target, "again") == before
    stock = restore(tmp_path / "snap")
    with Server(tmp_path / "target") as target:
        for table in ("types", "odd.Name", "log"):
            theirs = stock.execute(f'SELECT * FROM "{table}" ORDER BY ALL').fetch_arrow_table()
            ours = duckdb.from_arrow(target.table(f"SELECT * FROM `{table}`"))
            names = ", ".join(f'"{name}"' for name in theirs.column_names)
            # By their texts: NaN is not equal to itself.
            mine = repr(ours.project(names).order("ALL").fetchall())
            assert mine == repr(duckdb.from_arrow(theirs).fetchall()), table
    run("export", "delete", "--snapshot", place, "--yes")
    assert not list((tmp_path / "snap").rglob("*.*"))


@pytest.mark.parametrize("data_format", ["parquet", "csv"])
def test_increments_follow_their_base(tmp_path, data_format):
    allowed = {"VARVE_COPY_ALLOWED_FOLDERS": str(tmp_path)}
    names = ["base", "inc1", "inc2", "inc3"]
    places = [f"file://{tmp_path}/{name}" for name in names]
    tables = ("types", "odd.Name", "log", "late_table")

    def export(source, number, *flags):
        since = ("--since", places[number - 1]) if number > 0 else ("--format", data_format)
        run("export", "create", "--to", places[number], "--url", source.url, "--parallelism", 3, *since, *flags)

    def rows_of(server, table):
        names = [c for c in server.table(f"SELECT * FROM `{table}` LIMIT 0").column_names if c != "tsid"]
        chosen = ", ".join(f"`{name}`" for name in names)
        return repr(duckdb.from_arrow(server.table(f"SELECT {chosen} FROM `{table}`")).order("ALL").fetchall())

    with Server(tmp_path / "source", env=allowed) as source:
        fill(source)
        export(source, 0)
        for t, s in ((1, "late"), (8, "new"), (DAY * 20, "far"), (-5, "before all")):
            source.sql(f"INSERT INTO types (t, host, n, s) VALUES ({t}, 'b', 7, '{s}')")
        source.sql("INSERT INTO types (t, host, n, d) VALUES (1, 'a', 18446744073709551615, 9.5)")  # replaces
        source.sql("INSERT INTO log (t, m) VALUES (1, 'twin')")
        source.sql(f"DELETE FROM `odd.Name` WHERE ts >= {DAY} AND ts < {2 * DAY}")
        source.sql("ALTER TABLE log ADD COLUMN x double")
        source.sql("ALTER TABLE log ADD COLUMN y string")
        source.sql("INSERT INTO log (t, m, x, y) VALUES (2, 'x', 1.5, 'first')")
        export(source, 1)
        source.sql("ALTER TABLE log DROP COLUMN x")
        source.sql("ALTER TABLE log ADD COLUMN x double")  # another one
        source.sql("ALTER TABLE log RENAME COLUMN y TO z")
        source.sql("INSERT INTO log (t, m, x, z) VALUES (3, 'x', 2.5, 'second')")
        source.sql("CREATE TABLE late_table (t timestamp NOT NULL, m string, TIMESTAMP KEY(t)) WITH (enable_ttl='false')")
        source.sql("INSERT INTO late_table (t, m) VALUES (1, 'one'), (2, 'two')")
        (answer,) = source.sql(f"EXPORT DATABASE TO '{places[2]}' WITH (since = '{places[1]}', dry_run = true)")["rows"]
        assert answer["rows"] == 0 and answer["state"] == "planned"
        source.sql(f"EXPORT DATABASE TO '{places[2]}' WITH (since = '{places[1]}')")
        source.sql("DROP TABLE `odd.Name`")
        source.sql("DELETE FROM late_table WHERE t = 1")
        export(source, 3)
        same = source.sql(f"EXPORT DATABASE TO '{places[3]}' WITH (since = '{places[3]}')", expect=400)
        assert "an increment is a snapshot of its own" in same["message"]
        other = source.sql(f"EXPORT DATABASE TO '{places[3]}' WITH (since = '{places[0]}')", expect=400)
        assert "RESUME_MISMATCH: since" in other["message"]
        expected = {table: rows_of(source, table) for table in tables if table != "odd.Name"}
    for name, place in zip(names, places):
        check(tmp_path / name)
        run("export", "verify", "--snapshot", place)
    listed = {line.split("\t")[0]: line for line in run("export", "list", "--location", f"file://{tmp_path}").stdout.splitlines()}
    ids = {name: json.loads((tmp_path / name / "manifest.json").read_text())["snapshot_id"] for name in names}
    assert "increment of" not in listed["base"]
    assert listed["inc2"].endswith(f"increment of {ids['inc1']}")

    def bring(place, expect=0):
        return run("import", "--from", place, "--data", tmp_path / "target", "--parallelism", 3, expect=expect).stderr

    refused = bring(places[1], expect=1)
    assert "BASE_MISMATCH" in refused and ids["base"] in refused and places[0] in refused
    for place in (places[0], places[1]):
        bring(place)
    assert "BASE_MISMATCH" in bring(places[3], expect=1)
    bring(places[2])
    bring(places[1])  # done before
    with Server(tmp_path / "target", env=allowed) as target:
        (answer,) = target.sql(f"IMPORT DATABASE FROM '{places[3]}' WITH (dry_run = true)")["rows"]
        assert answer["state"] == "planned"
        target.sql(f"IMPORT DATABASE FROM '{places[3]}'")
        target.sql(f"IMPORT DATABASE FROM '{places[2]}'")
        assert {table: rows_of(target, table) for table in expected} == expected
        assert "not found" in target.sql("SELECT * FROM `odd.Name`", expect=400)["message"].lower()
        assert "on_conflict" in target.sql(f"IMPORT DATABASE FROM '{places[3]}' WITH (on_conflict = 'append')",
                                           expect=400)["message"]
        for place in places:
            target.sql(f"IMPORT DATABASE FROM '{place}' WITH (rename_schema = 'public=again', tables = 'log')")
        again = target.rows("SELECT count(*) AS n, sum(x) AS x FROM again.log")
        assert again == target.rows("SELECT count(*) AS n, sum(x) AS x FROM log")
    stock = restore(*(tmp_path / name for name in names))
    assert not stock.execute("SELECT * FROM duckdb_tables() WHERE table_name = 'odd.Name'").fetchall()
    for table, rows in expected.items():
        assert repr(stock.execute(f'SELECT * FROM "{table}" ORDER BY ALL').fetchall()) == rows, table


def test_locations_that_mean_something_else_are_refused(tmp_path):
    data = tmp_path / "data"
    with Server(data) as server:
        server.sql("CREATE TABLE a (t timestamp NOT NULL, TIMESTAMP KEY(t))")
        for location, reason in {"/tmp/x": "no scheme", "./x": "no scheme", "x": "no scheme", "file://x/y": "not absolute",
                                 "file:///": "empty root", "file:///a/../b": "dot segment", "ftp://a/b": "unknown scheme",
                                 f"file://{tmp_path}/x": "not allowed"}.items():
            answer = server.sql(f"EXPORT DATABASE TO '{location}'", expect=400)
            assert f"INVALID_LOCATION: {reason}" in answer["message"], location
        assert "no option fromat" in server.sql("EXPORT DATABASE TO 'file:///a/b' WITH (fromat = csv)", expect=400)["message"]
    refused = run("export", "delete", "--snapshot", "file:///tmp", "--yes", expect=1)
    assert "INVALID_LOCATION: too shallow" in refused.stderr


def test_damage_is_named(tmp_path):
    place = f"file://{tmp_path}/snap"
    with Server(tmp_path / "source", env={"VARVE_COPY_ALLOWED_FOLDERS": str(tmp_path)}) as source:
        fill(source)
        source.sql(f"EXPORT DATABASE TO '{place}' WITH (parallelism = 2, end_time = '1970-01-08')")
    for path in sorted((tmp_path / "snap").rglob("*.parquet"))[:5]:
        good = path.read_bytes()
        path.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
        name = str(path.relative_to(tmp_path / "snap"))
        assert f"CHECKSUM_MISMATCH: {name}" in run("export", "verify", "--snapshot", place, expect=1).stderr
        assert name in run("import", "--from", place, "--data", tmp_path / "target", expect=1).stderr
        run("export", "verify", "--snapshot", place, "--mode", "head")
        path.write_bytes(good)
    run("export", "verify", "--snapshot", place)

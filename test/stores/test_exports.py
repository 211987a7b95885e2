"""Exports to real object services and back, with a proxy between that fails: the same bytes and the same rows."""

import os
import random
import subprocess

import services
from faulty_proxy import FaultyProxy
from harness import Server, binary
from snapshot_reader import check

DAY_MS = 86_400_000
RUN_SECONDS_MAX = 600


def fill(server):
    for table, mode in (("a", "OVERWRITE"), ("log", "APPEND")):
        server.sql(f"CREATE TABLE {table} (t timestamp NOT NULL, host string TAG, v double, s string, TIMESTAMP KEY(t)) "
                   f"WITH (enable_ttl='false', update_mode='{mode}', segment_duration='1d')")
        server.write("\n".join(f'{table},host=h{i % 9} v={i},s="{i * 7919 % 10007}" {i * DAY_MS // 4000}' for i in range(20_000)))
    server.flush()
    server.write("\n".join(f"a,host=h{i % 9} v={-i} {i * DAY_MS // 4000}" for i in range(0, 20_000, 3)))
    server.sql("DELETE FROM a WHERE v = 4")


def contents(server):
    return {table: server.table(f"SELECT * FROM {table} ORDER BY ALL").to_pylist() for table in ("a", "log")}


def with_clause(options):
    return "WITH (" + ", ".join(f"{name} = '{value}'" for name, value in options.items()) + ")"


def data_files(snapshot):
    return {str(path.relative_to(snapshot)): path.read_bytes() for path in (snapshot / "data").rglob("*.parquet")}


def varve(env, *arguments, expect=0):
    done = subprocess.run([binary(), *map(str, arguments)], env=os.environ | env | {"NO_PROXY": "*"}, text=True,
                          capture_output=True, timeout=RUN_SECONDS_MAX)
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@services.each
def test_an_export_over_a_place_that_fails_comes_back(service, tmp_path):
    seed = int(os.environ.get("VARVE_SEED", random.randrange(1 << 32)))
    print(f"VARVE_SEED={seed}")
    (tmp_path / "service").mkdir()
    window = {"parallelism": "4", "end_time": "1970-01-07"}
    with service(tmp_path / "service") as place, FaultyProxy(place.port, seed) as proxy:
        env = place.environment(proxy.port)
        location = f"{place.location}/exports/one"
        log = tmp_path / "log"
        with Server(tmp_path / "source", env=env | {"NO_PROXY": "*", "VARVE_COPY_ALLOWED_FOLDERS": str(tmp_path)}) as source:
            fill(source)
            before = contents(source)
            savepoint = "CREATE SAVEPOINT still FOR DATABASE"
            source.sql(savepoint)
            options = window | {"as_of": "savepoint.still"}
            source.sql(f"EXPORT DATABASE TO 'file://{tmp_path}/local' {with_clause(options)}")
            source.sql(f"EXPORT DATABASE TO '{location}' {with_clause(options)}")  # the server's own credentials
            refused = source.sql(f"EXPORT DATABASE TO '{location}2' WITH (endpoint = 'http://127.0.0.1:1')", expect=400)
            assert "no credentials for it" in refused["message"]
            given = place.options(proxy.port)  # and those of the statement
            source.sql(f"EXPORT DATABASE TO '{place.location}/exports/two' {with_clause(options | given)}")
            shown = repr(source.rows("SELECT * FROM system.public.exports"))
            wrong = with_clause(options | given).replace("WITH (", "WITH (x y, ")
            source.sql(f"EXPORT DATABASE TO '{location}3' {wrong}", expect=400)
        log.write_text(source.stderr)
        assert varve(env, "export", "verify", "--snapshot", location).startswith("all is well")
        listed = varve(env, "export", "list", "--location", f"{place.location}/exports")
        assert [line.split("\t")[:2] for line in listed.splitlines()] == [["one", "complete"], ["two", "complete"]]
        varve(env, "import", "--from", location, "--data", tmp_path / "target", "--parallelism", 4)
        with Server(tmp_path / "target") as target:
            assert contents(target) == before
        if service is services.versitygw:  # which keeps objects as files
            assert data_files(tmp_path / "service" / "root" / services.BUCKET / "exports" / "one") == data_files(tmp_path / "local")
        check(tmp_path / "local")
        too_shallow = varve(env, "export", "delete", "--snapshot", place.location, "--yes", expect=1)
        assert "INVALID_LOCATION: too shallow" in too_shallow
        for name in ("one", "two"):
            varve(env, "export", "delete", "--snapshot", f"{place.location}/exports/{name}", "--yes")
        assert varve(env, "export", "list", "--location", f"{place.location}/exports") == ""
        assert "silence" in proxy.seen and len(proxy.seen) > 1
    for secret in place.secrets:
        assert secret not in log.read_text() and secret not in shown
        for file in (tmp_path / "source").rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file

"""kill -9 at random moments of an export and of an import: run again, they end as if nothing had happened.

VARVE_EXPORT_ROUNDS=100 for more rounds; VARVE_SEED=n repeats the moments of a run.
"""

import os
import random
import subprocess

from harness import Server, binary
from snapshot_reader import check

ROUNDS = int(os.environ.get("VARVE_EXPORT_ROUNDS", "6"))
ROWS = 4_000
HOUR_MS = 3_600_000


def interrupted(seconds, *arguments):
    """Runs the program, kills it after that time; whether it had ended before."""
    process = subprocess.Popen([binary(), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    assert process.returncode == 0, out + error
    return True


def data_files(snapshot):
    return {str(path.relative_to(snapshot)): path.read_bytes() for path in (snapshot / "data").rglob("*.parquet")}


def test_an_export_and_an_import_survive_kills(tmp_path):
    seed = int(os.environ.get("VARVE_SEED", random.randrange(1 << 32)))
    print(f"VARVE_SEED={seed}")
    rng = random.Random(seed)
    data = tmp_path / "data"
    with Server(data) as server:
        for table, mode in (("a", "OVERWRITE"), ("b", "APPEND")):
            server.sql(f"CREATE TABLE {table} (t timestamp NOT NULL, host string TAG, v double, TIMESTAMP KEY(t)) "
                       f"WITH (enable_ttl='false', update_mode='{mode}', segment_duration='2h')")
            server.write("\n".join(f"{table},host=h{i % 9} v={i} {i * HOUR_MS // 40}" for i in range(ROWS)))
        server.flush()
        server.write("\n".join(f"a,host=h{i % 9} v={-i} {i * HOUR_MS // 40}" for i in range(0, ROWS, 3)))
        expected = {t: server.rows(f"SELECT count(*) AS n, sum(v) AS s, min(v) AS m FROM {t}") for t in "ab"}
    whole = tmp_path / "whole"
    flags = ("--end-time", "1970-01-06", "--chunk-time-window", "3h", "--parallelism", 3)
    assert interrupted(300, "export", "create", "--to", f"file://{whole}", "--data", data, *flags)
    for number in range(ROUNDS):
        snapshot = tmp_path / f"snap{number}"
        create = ("export", "create", "--to", f"file://{snapshot}", "--data", data, *flags)
        kills = 0
        while not interrupted(rng.uniform(0.05, 0.4) * (kills + 1), *create):
            kills += 1
        check(snapshot)
        assert data_files(snapshot) == data_files(whole)
        target = tmp_path / f"target{number}"
        bring = ("import", "--from", f"file://{snapshot}", "--data", target, "--parallelism", 3)
        while not interrupted(rng.uniform(0.05, 0.4) * (kills + 1), *bring):
            kills += 1
        with Server(target) as server:
            for table, rows in expected.items():
                assert server.rows(f"SELECT count(*) AS n, sum(v) AS s, min(v) AS m FROM {table}") == rows
        print(f"round {number}: {kills} kills")

"""kill -9 at random moments of an export and of an import: run again, they end as if nothing had happened. Killed is the
command line that works by itself, a server that works for a statement, or the command line that waits for a server.

VARVE_EXPORT_ROUNDS=100 for more rounds; VARVE_SEED=n repeats the moments of a run.
"""

import os
import random
import subprocess
import time

import pytest
from harness import Server, binary
from snapshot_reader import check, restore

ROUNDS = int(os.environ.get("VARVE_EXPORT_ROUNDS", "6"))
ROWS = 4_000
HOUR_MS = 3_600_000
OPTIONS = {"end_time": "1970-01-06", "chunk_time_window": "3h", "parallelism": 3}
FLAGS = [text for name, value in OPTIONS.items() for text in (f"--{name.replace('_', '-')}", str(value))]
ASK_SECONDS = 0.01
WAIT_SECONDS_MAX = 300


def interrupted(seconds, *arguments, may_fail_with="nothing"):
    """Runs the program, kills it after that time; whether it had ended well before."""
    process = subprocess.Popen([binary(), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    assert process.returncode == 0 or may_fail_with in error, out + error
    return process.returncode == 0


def ends_in_time(server, statement, seconds) -> bool:
    """Begins the export or import, and asks for so long how far it is; whether it has ended."""
    until = time.monotonic() + seconds
    kind, transfer = statement.split()[0].lower() + "s", server.sql(statement)["rows"][0]["id"]
    while time.monotonic() < until:
        (row,) = server.rows(f"SELECT state, error FROM system.public.{kind} WHERE id = '{transfer}'")
        if row["state"] != "running":
            assert row["state"] == "done", row
            return True
        time.sleep(ASK_SECONDS)
    return False


def data_files(snapshot):
    return {str(path.relative_to(snapshot)): path.read_bytes() for path in (snapshot / "data").rglob("*.parquet")}


def contents(server):
    return {t: server.rows(f"SELECT count(*) AS n, sum(v) AS s, min(v) AS m FROM {t}") for t in "ab"}


class Rounds:
    """A database that is exported into `snapshot` and imported into `target`, anew in each round."""

    def __init__(self, folder):
        seed = int(os.environ.get("VARVE_SEED", random.randrange(1 << 32)))
        print(f"VARVE_SEED={seed}")
        self.rng = random.Random(seed)
        self.folder, self.data = folder, folder / "data"
        self.env = {"VARVE_COPY_ALLOWED_FOLDERS": str(folder)}
        with self.server() as server:
            for table, mode in (("a", "OVERWRITE"), ("b", "APPEND")):
                server.sql(f"CREATE TABLE {table} (t timestamp NOT NULL, host string TAG, v double, TIMESTAMP KEY(t)) "
                           f"WITH (enable_ttl='false', update_mode='{mode}', segment_duration='2h')")
                server.write("\n".join(f"{table},host=h{i % 9} v={i} {i * HOUR_MS // 40}" for i in range(ROWS)))
            server.flush()
            server.write("\n".join(f"a,host=h{i % 9} v={-i} {i * HOUR_MS // 40}" for i in range(0, ROWS, 3)))
            self.expected = contents(server)

    def server(self, name="data"):
        return Server(self.folder / name, "--log-level", "warn", env=self.env)

    def create(self, name, *where):
        return ("export", "create", "--to", f"file://{self.folder / name}", *where, *FLAGS)

    def export_statement(self, name):
        options = ", ".join(f"{option} = '{value}'" for option, value in OPTIONS.items())
        return f"EXPORT DATABASE TO 'file://{self.folder / name}' WITH (wait = false, {options})"

    def import_statement(self, name):
        return f"IMPORT DATABASE FROM 'file://{self.folder / name}' WITH (wait = false, parallelism = 3)"

    def seconds(self, kills):
        """Longer each time, so that it comes to an end on a machine that does other things too."""
        return self.rng.uniform(0.05, 0.4) * (kills + 1)


@pytest.fixture
def rounds(tmp_path):
    return Rounds(tmp_path)


def run_rounds(rounds, one_round):
    """`one_round` gets the names of a snapshot and of a target, and says how often something was killed."""
    began, kills = time.monotonic(), 0
    for number in range(ROUNDS):
        kills += one_round(f"snap{number}", f"target{number}")
        check(rounds.folder / f"snap{number}")
        with rounds.server(f"target{number}") as server:
            assert contents(server) == rounds.expected
    print(f"{ROUNDS} rounds, {kills} kills, {time.monotonic() - began:.0f} s")


def test_an_export_and_an_import_survive_kills(rounds):
    assert interrupted(WAIT_SECONDS_MAX, *rounds.create("whole", "--data", rounds.data))
    whole = data_files(rounds.folder / "whole")

    def one_round(snapshot, target):
        kills = 0
        while not interrupted(rounds.seconds(kills), *rounds.create(snapshot, "--data", rounds.data)):
            kills += 1
        assert data_files(rounds.folder / snapshot) == whole
        bring = ("import", "--from", f"file://{rounds.folder / snapshot}", "--data", rounds.folder / target, "--parallelism", 3)
        imports = 0
        while not interrupted(rounds.seconds(imports), *bring):
            imports += 1
        return kills + imports

    run_rounds(rounds, one_round)


def test_a_server_that_exports_or_imports_survives_kills(rounds):
    def until_done(data, statement):
        kills = 0
        while True:
            server = rounds.server(data)
            done = ends_in_time(server, statement, rounds.seconds(kills))
            server.kill()
            if done:
                return kills
            kills += 1

    def one_round(snapshot, target):
        kills = until_done("data", rounds.export_statement(snapshot))
        with rounds.server() as server:
            assert contents(server) == rounds.expected
        return kills + until_done(target, rounds.import_statement(snapshot))

    run_rounds(rounds, one_round)


def test_the_command_line_may_be_killed_while_its_server_goes_on(rounds):
    def until_done(*arguments):
        kills = 0
        # What a killed command line has begun still runs.
        while not interrupted(rounds.seconds(kills), *arguments, may_fail_with="OPERATION_LOCKED"):
            kills += 1
        return kills

    def one_round(snapshot, target):
        with rounds.server() as source, rounds.server(target) as other:
            kills = until_done(*rounds.create(snapshot, "--url", source.url))
            assert source.value("SELECT count(*) AS n FROM a$savepoints") == 0
            return kills + until_done("import", "--from", f"file://{rounds.folder / snapshot}", "--url", other.url,
                                      "--parallelism", 3)

    run_rounds(rounds, one_round)


def test_increments_survive_kills(tmp_path):
    seed = int(os.environ.get("VARVE_SEED", random.randrange(1 << 32)))
    print(f"VARVE_SEED={seed}")
    rng = random.Random(seed)
    data, target = tmp_path / "data", tmp_path / "target"
    flags = ("--end-time", OPTIONS["end_time"], "--chunk-time-window", OPTIONS["chunk_time_window"])
    snapshots, kills = [], 0

    def until_done(*arguments):
        nonlocal kills
        tries = 0
        while not interrupted(rng.uniform(0.05, 0.4) * (tries + 1), *arguments):
            tries += 1
        kills += tries

    for number in range(ROUNDS):
        with Server(data) as server:
            for table, mode in (("a", "OVERWRITE"), ("b", "APPEND")):
                server.sql(f"CREATE TABLE IF NOT EXISTS {table} (t timestamp NOT NULL, host string TAG, v double, "
                           f"TIMESTAMP KEY(t)) WITH (enable_ttl='false', update_mode='{mode}', segment_duration='2h')")
                first = rng.randrange(ROWS)
                server.write("\n".join(f"{table},host=h{i % 9} v={i * (number + 1)} {i * HOUR_MS // 40}"
                                       for i in range(first, min(ROWS, first + ROWS // 4))))
                start = rng.randrange(ROWS) * HOUR_MS // 40
                server.sql(f"DELETE FROM {table} WHERE t >= {start} AND t < {start + HOUR_MS}")
            expected = contents(server)
        since = ("--since", f"file://{snapshots[-1]}") if snapshots else ()
        snapshots.append(tmp_path / f"snap{number}")
        until_done("export", "create", "--to", f"file://{snapshots[-1]}", "--data", data, "--parallelism", 3, *flags, *since)
        until_done("import", "--from", f"file://{snapshots[-1]}", "--data", target, "--parallelism", 3)
        with Server(target) as server:
            assert contents(server) == expected
    stock = restore(*snapshots)
    for table, rows in expected.items():
        n, s, m = stock.execute(f"SELECT count(*), sum(v), min(v) FROM {table}").fetchone()
        assert [{"n": n, "s": s, "m": m}] == rows
    print(f"{kills} kills")

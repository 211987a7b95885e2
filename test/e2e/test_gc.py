"""What is past its time leaves: rows past the ttl are not kept and the client is told; `varve gc` deletes what nothing needs."""

import json
import subprocess
import time

from harness import Server, binary

SOON = {"VARVE_HOUSEKEEPING_INTERVAL": "600ms"}


def gc(*arguments, expect=0):
    done = subprocess.run([binary(), "gc", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def data_files(data):
    return len(list(data.glob("tables/*/data/*/*.parquet")))


def test_rows_past_the_ttl_are_not_kept_and_told(tmp_path):
    with Server(tmp_path / "data") as server:
        server.sql("CREATE TABLE a (t timestamp NOT NULL, v double, TIMESTAMP KEY(t)) WITH (ttl='7d')")
        old = int((time.time() - 8 * 86400) * 1000)
        told = "1 row of table a is older than its ttl (7d) and was not kept"
        inserted = server.post("/sql", f"INSERT INTO a (t, v) VALUES ({old}, 1), (now(), 2)".encode())
        assert inserted.headers["X-Varve-Warning"] == told
        written = server.post("/write?precision=ms", f"a v=3 {old}".encode())
        assert written.headers["X-Varve-Warning"] == told
        assert server.value("SELECT count(*) AS n FROM a") == 1
        assert "varve_ttl_dropped_rows_total 2" in server.http.get(server.url + "/metrics").text


def test_what_nothing_needs_is_deleted(tmp_path):
    data = tmp_path / "data"
    with Server(data, env=SOON) as server:
        for name in ("kept", "dropped"):
            for i in range(2):
                server.write(f"{name},host=h{i} v={i} {i * 1000}")
                server.flush()
        assert str(server.process.pid) in gc(data, expect=1).stderr
        server.sql("ALTER TABLE dropped MODIFY SETTING drop.time-retained='0s'")
        server.sql("DROP TABLE dropped")
        until = time.monotonic() + 60
        while len(list(data.glob("tables/*"))) > 1 and time.monotonic() < until:
            gc("--url", server.url)
        assert len(list(data.glob("tables/*"))) == 1
        assert server.value("SELECT count(*) AS n FROM kept") == 2
        server.stop()
    left = next(data.glob("tables/*/data/*/*.parquet"))
    left.with_name("00000000-0000-4000-8000-000000000000.parquet").write_bytes(b"left by a crash")
    (left.parent / "notes.txt").write_text("mine")
    before = data_files(data)
    assert "0 files" not in gc(data, "--dry-run", "--grace", "0s").stderr
    assert data_files(data) == before
    rows = json.loads(gc(data, "--grace", "0s", "--format", "json").stdout)["rows"]
    assert {row["outcome"] for row in rows} == {"deleted", "left"}
    assert data_files(data) == before - 1
    assert (left.parent / "notes.txt").read_text() == "mine"
    with Server(data) as server:
        assert server.value("SELECT count(*) AS n FROM kept") == 2


def test_wrong_usage(tmp_path):
    assert "not a data folder" in gc(tmp_path / "nowhere", expect=1).stderr
    assert not (tmp_path / "nowhere").exists()
    assert "is not a duration" in gc("--url", "http://127.0.0.1:1", "--grace", "'", expect=1).stderr

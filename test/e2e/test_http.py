"""What a client of HTTP may rely on: large results in constant memory, an end of what nobody waits for, time-outs,
several statements, parameters, block lists, the slow-query log."""

import json
import pathlib
import socket
import subprocess
import threading
import time

import pytest
import requests

from harness import Server, binary

ROWS = 10_000_000
GROWTH_BYTES_MAX = 200 << 20
ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = 7"
ENDLESS_ROWS = "SELECT * FROM range(1000000000000)"


def resident_bytes(server) -> int:
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def processor_seconds(server) -> float:
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def wait_until_idle(server, seconds):
    """Until the server has used next to no processor for a fifth of a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = processor_seconds(server)
        time.sleep(0.2)
        if processor_seconds(server) - before < 0.05:
            return
    raise AssertionError(f"the server still works after {seconds} s")


def leave_after_sending(server, statement, first_bytes=0):
    """A client that goes away while its statement runs, or after some of the answer."""
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    body = statement.encode()
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(b"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        if first_bytes:
            received = 0
            while received < first_bytes:
                received += len(client.recv(65536))
        else:
            before = processor_seconds(server)
            deadline = time.monotonic() + 30
            while processor_seconds(server) - before < 0.3:  # it runs
                assert time.monotonic() < deadline
                time.sleep(0.02)


@pytest.mark.parametrize("form", ["json", "csv", "arrow"])
def test_ten_million_rows_in_constant_memory(tmp_path, form):
    with Server(tmp_path / "data", "--memory-limit", "1GiB") as server:
        server.sql("SELECT 1")
        before = resident_bytes(server)
        most = before
        received = 0
        query = f"SELECT range AS n, range * 0.5 AS v, 'host_' || range % 100 AS h FROM range({ROWS})"
        with server.http.post(f"{server.url}/sql?format={form}", data=query, stream=True, timeout=300,
                              headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.status_code == 200
            for number, piece in enumerate(answer.iter_content(1 << 20)):
                received += len(piece)
                if number % 8 == 0:
                    most = max(most, resident_bytes(server))
        assert received > ROWS * 10
        print(f"{form}: {received >> 20} MiB sent, grown by {(most - before) >> 20} MiB")
        assert most - before < GROWTH_BYTES_MAX


def test_what_nobody_waits_for_ends(tmp_path):
    with Server(tmp_path / "data") as server:
        server.sql("SELECT 1")
        leave_after_sending(server, ENDLESS)
        wait_until_idle(server, 1.5)  # within a second, and then idle for a fifth of one
        leave_after_sending(server, ENDLESS_ROWS, first_bytes=1 << 20)
        wait_until_idle(server, 1.5)
        assert server.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_stopping_server_cancels_what_runs_past_its_grace(tmp_path):
    with Server(tmp_path / "data", env={"VARVE_STOP_GRACE": "500ms"}) as server:
        server.sql("SELECT 1")
        ended = []

        def ask():
            try:
                ended.append(requests.post(server.url + "/sql", data=ENDLESS, timeout=60).status_code)
            except requests.ConnectionError:
                ended.append("cut")

        asking = threading.Thread(target=ask)
        before = processor_seconds(server)
        asking.start()
        while processor_seconds(server) - before < 0.3:
            time.sleep(0.02)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
        asking.join()
        assert ended


def test_timeout(tmp_path):
    with Server(tmp_path / "data") as server:
        answer = server.post("/sql?timeout=200ms", ENDLESS.encode())
        assert answer.status_code == 400
        assert "longer than statement_timeout (200ms)" in answer.json()["message"]
        assert "statement 2 of 2" in server.sql(f"SET statement_timeout='200ms'; {ENDLESS}", expect=400)["message"]
        assert server.rows("SHOW statement_timeout") == [{"statement_timeout": "0s"}]
        wait_until_idle(server, 1.5)


def test_several_statements_and_parameters(tmp_path):
    with Server(tmp_path / "data") as server:
        create = "CREATE TABLE t (name string TAG, v double, t timestamp NOT NULL, TIMESTAMP KEY(t)) WITH (enable_ttl='false')"
        answer = server.sql(f"{create}; INSERT INTO t (name, v, t) VALUES ('a;b', 1, 1000); SELECT name, v FROM t")
        assert answer == {"results": [{"affected_rows": 0}, {"affected_rows": 1}, {"rows": [{"name": "a;b", "v": 1.0}]}]}
        failed = server.sql("INSERT INTO t (v, t) VALUES (2, 2000); SELECT * FROM missing; DROP TABLE t", expect=400)
        assert failed["message"] == "statement 2 of 3 (the ones before it are done): Table not found, table:missing"
        assert server.value("SELECT count(*) FROM t") == 2
        ask = lambda query, *params: server.post("/sql", json.dumps({"query": query, "params": params}),
                                                 headers={"Content-Type": "application/json"}).json()
        assert ask("INSERT INTO t (name, v, t) VALUES (?, ?, ?)", "'; DROP TABLE t", 2.5,
                   "1970-01-01T00:00:03Z") == {"affected_rows": 1}
        assert ask("SELECT name FROM t WHERE t >= $1 AND v > $2", 3000, 1) == {"rows": [{"name": "'; DROP TABLE t"}]}
        assert "2 values are given" in ask("SELECT ?", 1, 2)["message"]
        get = requests.get(server.url + "/sql", params={"q": "SELECT 1 AS one", "format": "csv"}, timeout=60)
        assert get.text == "one\r\n1\r\n"


def test_block_lists_and_a_restart(tmp_path):
    config = tmp_path / "varve.toml"
    config.write_text("[limiter]\nwrite_block_list = ['first']\npersist = true\n")
    arguments = ("--config", str(config))
    with Server(tmp_path / "data", *arguments) as server:
        for table in ("first", "t"):
            server.sql(f"CREATE TABLE {table} (v double, t timestamp NOT NULL, TIMESTAMP KEY(t))")
        blocked = server.sql("INSERT INTO first (v, t) VALUES (1, now())", expect=400)
        assert blocked["message"] == "Table operation is blocked, table:first, op:insert"
        answer = server.post("/admin/block", json.dumps(
            {"operation": "Set", "write_block_list": ["t"], "read_block_list": ["t"]})).json()
        assert answer == {"write_block_list": ["t"], "read_block_list": ["t"], "block_rules": []}
        server.sql("INSERT INTO first (v, t) VALUES (1, now())")
        assert "op:insert" in server.write(f"t v=1 {int(time.time() * 1000)}", expect=400).text
        server.kill()
    with Server(tmp_path / "data", *arguments) as server:
        assert "op:query" in server.sql("SELECT * FROM t", expect=400)["message"]
        assert "blocked_request_counter 1" in requests.get(server.url + "/metrics", timeout=60).text
        server.post("/block", json.dumps({"operation": "Remove", "read_block_list": ["t"]}))
        assert server.rows("SELECT * FROM t") == []


def test_slow_statements_are_logged_with_their_request(tmp_path):
    with Server(tmp_path / "data", env={"VARVE_SLOW_QUERY_PATH": str(tmp_path / "slow.log")}) as server:
        put = requests.put(server.url + "/debug/slow_threshold/0.001", timeout=60)
        assert put.text == "current_slow_threshold:1ms"
        answer = server.post("/sql", b"SELECT count(*) FROM range(100000000) r WHERE r.range % 7 = 1",
                             headers={"X-Request-Id": "mine-1"})
        assert answer.headers["X-Request-Id"] == "mine-1"
        assert "request_id=mine-1 schema=public took=" in (tmp_path / "slow.log").read_text()


def test_check_config(tmp_path):
    def check(text):
        path = tmp_path / "varve.toml"
        path.write_text(text)
        return subprocess.run([binary(), "server", "--config", str(path), "--check-config"], capture_output=True,
                              text=True, timeout=60)

    empty = check("")
    assert empty.returncode == 0 and "http_port = 5440" in empty.stdout
    warned = check("[analytic.storage.object_store]\nkey_secret = 'hunter2'\n")
    assert warned.returncode == 0 and "key_secret has no effect" in warned.stderr
    assert "hunter2" not in warned.stdout + warned.stderr
    wrong = check("[server]\nhttp_prot = 1\n")
    assert wrong.returncode == 1 and "did you mean 'server.http_port'?" in wrong.stderr

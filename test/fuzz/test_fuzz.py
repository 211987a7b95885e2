"""Broken requests of every kind against the sanitized server: it stays up, answers, and no sanitizer has a finding.

VARVE_FUZZ_MINUTES=10 runs for that long instead of a few seconds; VARVE_SEED=n repeats the requests of a run.
"""

import os
import pathlib
import random
import socket
import sys
import time
import urllib.parse

import requests

from harness import ROOT, Server

sys.path.insert(0, str(ROOT / "scripts"))
from run_tests import sanitizer_env  # noqa: E402

SECONDS = 15
STATUSES = {200, 204, 400, 404, 405, 408, 411, 413, 414, 415, 429, 431, 500, 503}

SQL = [
    "SELECT host, avg(v) AS m FROM cpu WHERE ts > 1000 AND host IN ('a', 'b') GROUP BY host ORDER BY m LIMIT 3",
    "INSERT INTO cpu (ts, host, v) VALUES (1, 'a', 1.5), (2, \"b\", -2e10), (3, 'it''s', NULL)",
    "CREATE TABLE IF NOT EXISTS x (t timestamp NOT NULL, a string TAG, b int DEFAULT 3, TIMESTAMP KEY (t)) "
    "ENGINE=Analytic WITH (ttl='7d', enable_ttl='false')",
    "ALTER TABLE cpu ADD COLUMN (c1 bigint, c2 string TAG COMMENT 'x')",
    "ALTER TABLE cpu MODIFY SETTING write_buffer_size='300M'",
    "DESCRIBE cpu", "SHOW TABLES LIKE 'c%'", "SHOW CREATE TABLE `cpu`", "EXISTS TABLE cpu", "DROP TABLE IF EXISTS x",
    "EXPLAIN SELECT * FROM cpu", "WITH q AS (SELECT x'0a0b' AS b, DATE '2020-01-01') SELECT * FROM q -- end",
    "COPY cpu FROM '/nowhere.csv' (FORMAT csv, HEADER true)", "COPY (SELECT 1) TO '/nowhere/x.csv' (FORMAT csv)",
    "DELETE FROM cpu WHERE host = 'a' AND v > 1.5", "TRUNCATE TABLE x", "ALTER TABLE x RENAME COLUMN b TO `c d`",
    "CREATE OR REPLACE VIEW w AS SELECT host, max(v) AS m FROM cpu GROUP BY host", "SELECT * FROM w", "DROP VIEW w",
    "CREATE SCHEMA s", "DROP SCHEMA IF EXISTS s CASCADE", "ALTER TABLE x DROP COLUMN b", "ALTER TABLE x RENAME TO y",
    "SELECT * FROM system.public.columns WHERE table_name = 'cpu'", "EXPLAIN ANALYZE SELECT * FROM cpu WHERE ts > 5",
]
LINES = [
    'cpu,host=a,region=eu\\ west v=1.5,n=7i,u=8u,b=t,s="a \\"b\\" c" 1000',
    "cpu,host=b v=1e-3 2000", "# comment", "m\\,x,t\\=a=b\\ c f\\ g=1i", "cpu,host=é v=0", "cpu v=1,v=2",
]
JUNK = [b"\x00", b"\xff\xfe", b"'", b'"', b"`", b"--", b"/*", b"*/", b"(", b")", b",", b";", b"\\", b"\n", b"=", b" ",
        b"$$", b"0x", b"1e999", b"-9223372036854775809", b"99999999999999999999i", "\u202e\U0001f600".encode(), b"NULL",
        b"x'0", b"E'\\", b"::", b"." * 50, b"(" * 200, b"SELECT ", b"%s%n", b"\r\n\r\n", b"1_0"]


class Fuzzer:
    def __init__(self, generator):
        self.random = generator

    def mutate(self, data: bytes) -> bytes:
        data = bytearray(data)
        for _ in range(self.random.randrange(5)):
            at = self.random.randrange(len(data) + 1)
            action = self.random.randrange(5)
            if action == 0:
                data[at:at] = self.random.choice(JUNK)
            elif action == 1:
                del data[at:at + self.random.randrange(1, 12)]
            elif action == 2 and data:
                data[at % len(data)] = self.random.randrange(256)
            elif action == 3:
                end = at + self.random.randrange(1, 20)
                data[at:at] = data[at:end] * self.random.randrange(1, 4)
            else:
                del data[at:]
        return bytes(data)

    def request(self):
        kind = self.random.randrange(3)
        if kind == 0:
            form = self.random.choice(["", "?format=arrow", "?format=csv", "?format=json_columns", "?format=x"])
            return "/sql" + form, self.mutate(self.random.choice(SQL).encode()), {"Content-Type": "text/plain"}
        if kind == 1:
            body = self.mutate(b'{"query": "' + self.random.choice(SQL).replace('"', '\\"').encode() + b'"}')
            return "/sql", body, {"Content-Type": "application/json"}
        lines = "\n".join(self.random.choices(LINES, k=self.random.randrange(1, 6))).encode()
        path = self.random.choice(["/write", "/influxdb/v1/write", "/api/v2/write"])
        headers = {"Content-Encoding": "gzip"} if self.random.random() < 0.05 else {}
        return f"{path}?precision={self.random.choice(['ns', 'us', 'ms', 's', 'x'])}", self.mutate(lines), headers

    def raw(self) -> bytes:
        body = self.mutate(b"SELECT 1")
        head = f"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return self.mutate(head) + body


def send_raw(server, data):
    address = urllib.parse.urlparse(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass


def run(server, fuzzer, seconds) -> int:
    deadline, sent = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        path, body, headers = fuzzer.request()
        try:
            answer = server.post(path, body, headers=headers)
        except requests.exceptions.RequestException as error:
            raise AssertionError(f"no answer to {path} {headers} {body!r}: {error}\n{server.stderr[-8000:]}") from error
        assert answer.status_code in STATUSES, f"{answer.status_code} to {path} {body!r}: {answer.text[:500]}"
        assert answer.status_code != 500 or "nternal" not in answer.text, f"{path} {body!r}: {answer.text[:500]}"
        if sent % 10 == 0:
            send_raw(server, fuzzer.raw())
        sent += 1
        if sent % 1000 == 0:
            server.flush()
    return sent


def test_broken_requests(tmp_path):
    minutes = float(os.environ.get("VARVE_FUZZ_MINUTES", "0"))
    seed = int(os.environ.get("VARVE_SEED", random.SystemRandom().randrange(2**32)))
    program = os.environ.get("VARVE_BINARY", str(ROOT / "build" / "asan" / "varve"))
    assert pathlib.Path(program).exists(), f"{program} is not built: run make fuzz"
    print(f"repeat with VARVE_SEED={seed}")
    with Server(tmp_path / "data", "--log-level", "off", env=sanitizer_env(), program=program) as server:
        server.sql("CREATE TABLE cpu (ts timestamp TIMESTAMP KEY, host string TAG, v double)")
        sent = run(server, Fuzzer(random.Random(seed)), minutes * 60 or SECONDS)
        assert server.http.get(server.url + "/").json() == {"status": "ok"}
    assert sent > 50
    print(f"{sent} requests")

"""Bad input of every kind: a clear error with the right status, nothing lost, the server still up where it can be."""

import contextlib
import gzip
import os
import pathlib
import shutil
import socket
import subprocess
import urllib.parse

import pytest

from harness import Server, StartFailed

GIB = 1 << 30
POINTS = 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("bad") / "data") as server:
        server.write("good,host=a v=1 1357020000000")
        yield server
        assert server.rows("SELECT host, v FROM good") == [{"host": "a", "v": 1.0}], "something was lost"


def message(answer, status):
    """The text of an error; its shape is CeresDB's, and it tells nothing about the inside."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    body = answer.json()
    text = body.get("message") or body.get("error")
    assert text, body
    assert body.get("code", status) == status or isinstance(body["code"], str)
    for inside in ("duckdb::", "std::", "Stack", ".cc:", "0x0"):
        assert inside not in text, text
    return text


def bad_sql(server, text):
    return message(server.post("/sql", text.encode()), 400)


def test_unknown_names(server):
    assert "nowhere" in bad_sql(server, "SELECT * FROM nowhere")
    assert "colour" in bad_sql(server, "SELECT colour FROM good")
    assert "nowhere" in bad_sql(server, "INSERT INTO nowhere (a) VALUES (1)")
    assert "colour" in bad_sql(server, "INSERT INTO good (timestamp, colour) VALUES (1, 2)")
    assert "nowhere" in bad_sql(server, "DESCRIBE nowhere")
    assert "nowhere" in bad_sql(server, "DROP TABLE nowhere")


def test_wrong_types(server):
    bad_sql(server, "INSERT INTO good (timestamp, host, v) VALUES ('soon', 'a', 1)")
    bad_sql(server, "INSERT INTO good (timestamp, host, v) VALUES (1, 'a', 'much')")
    bad_sql(server, "SELECT v + host FROM good")
    bad_sql(server, "CREATE TABLE bad (t timestamp TIMESTAMP KEY, v nothing)")
    text = message(server.post("/write?precision=ms", b"good,host=a v=\"text\" 1"), 400)
    assert "v" in text and "good" in text


def test_broken_sql(server):
    text = bad_sql(server, "SELEC 1")
    assert "line 1" in text and "^" in text
    for broken in ("", ";", "SELECT 'open", "SELECT 1; SELEC 2", "SELECT (1", "CREATE TABLE x", "\x00", "\xff" * 10):
        bad_sql(server, broken)
    deep = "SELECT " + "(" * 100_000 + "1" + ")" * 100_000
    bad_sql(server, deep)


def test_malformed_json(server):
    headers = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b"{}", b'{"query": 1}', b'{"query": "SELECT 1"', b"\xff\xfe"):
        message(server.post("/sql", body, headers=headers), 400)
    assert server.post("/sql", b'{"query": "SELECT 1 AS a"}', headers=headers).json() == {"rows": [{"a": 1}]}


def test_half_a_line_keeps_the_other_lines(server):
    body = "part,host=a v=1 1000\npart,host=b v=2 20\npart,host=c v=\npart,ho\npart,host=d v=4 4000"
    text = message(server.post("/write?precision=ms", body.encode()), 400)
    assert "line" in text or "parse" in text
    assert server.rows("SELECT host FROM part ORDER BY host") == [{"host": "a"}, {"host": "b"}, {"host": "d"}]


@pytest.mark.parametrize("line", [
    "weather", "weather ", "weather,origin", "weather,origin=", "weather v", "weather v=", "weather v=1x",
    "weather v=1 soon", "weather v=\"open", ",a=b v=1", "weather v=1i2", "weather v=99999999999999999999i",
    "weather,a=b,a=c v=1 1", "\x00\x01\x02", "weather v=nan 1"])
def test_broken_lines(server, line):
    message(server.post("/write", line.encode()), 400)


def test_unknown_paths_and_methods(server):
    message(server.http.get(server.url + "/nothing"), 404)
    answer = server.http.delete(server.url + "/sql")
    message(answer, 405)
    assert "POST" in answer.headers["Allow"]


def test_broken_compression(server):
    headers = {"Content-Encoding": "gzip"}
    message(server.post("/write", b"not gzip", headers=headers), 400)
    whole = gzip.compress(b"good,host=z v=1 1")
    message(server.post("/write", whole[:-9], headers=headers), 400)
    message(server.post("/write", whole, headers={"Content-Encoding": "rot13"}), 415)


def test_a_small_body_that_unpacks_to_a_gigabyte(server):
    bomb = gzip.compress(b"\0" * (GIB // 4))
    message(server.post("/write", bomb, headers={"Content-Encoding": "gzip"}), 413)


def raw_connection(server):
    address = urllib.parse.urlparse(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def memory_bytes(server) -> int:
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_a_declared_body_of_one_gigabyte_is_refused_at_once(server):
    with raw_connection(server) as connection:
        connection.sendall(f"POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: {GIB}\r\n\r\n".encode())
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]


def test_a_chunked_body_of_one_gigabyte_is_cut_off(server):
    before = memory_bytes(server)
    piece = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    with raw_connection(server) as connection:
        connection.sendall(b"POST /write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < GIB:
                connection.sendall(piece)
                sent += 1 << 20
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = connection.recv(4096)
    assert sent < GIB or b" 413 " in answer
    assert not answer or b" 413 " in answer
    assert memory_bytes(server) - before < 512 << 20


def test_broken_http(server):
    for text in (b"\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01",
                 b"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                 b"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nSE",
                 b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"):
        with raw_connection(server) as connection:
            connection.sendall(text)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
    assert server.http.get(server.url + "/").json() == {"status": "ok"}


def test_the_servers_files_are_out_of_reach(server):
    for text in ("SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "COPY good TO '/tmp/stolen.csv'",
                 "ATTACH '/tmp/x.db'", "INSTALL httpfs", "LOAD httpfs", "SET threads = 1", "PRAGMA database_list",
                 "COPY good FROM '/etc/passwd'", "EXPORT DATABASE '/tmp/stolen'",
                 f"SELECT * FROM read_text('{server.data}/LOCK')"):
        bad_sql(server, text)
    assert not pathlib.Path("/tmp/stolen.csv").exists()


def start_error(data, *arguments, **options) -> str:
    with pytest.raises(StartFailed) as failed, Server(data, *arguments, **options):
        pass
    assert failed.value.code == 1
    assert failed.value.stderr.startswith("varve: ") or "\nvarve: " in failed.value.stderr, failed.value.stderr
    return failed.value.stderr


def test_a_port_in_use(server, tmp_path):
    port = urllib.parse.urlparse(server.url).port
    assert str(port) in start_error(tmp_path / "data", "--http-port", str(port))


def test_an_address_that_is_not_ours(tmp_path):
    assert "203.0.113.1" in start_error(tmp_path / "data", "--bind", "203.0.113.1")


def test_a_second_server_on_the_same_folder(server):
    assert str(server.process.pid) in start_error(server.data)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a folder that its owner cannot write")
def test_a_read_only_data_folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with mounted_tmpfs(data, "1m"):
        subprocess.run(["mount", "-o", "remount,ro", str(data)], check=True)
        text = start_error(data)
    assert str(data) in text and ("read-only" in text.lower() or "permission" in text.lower())


@contextlib.contextmanager
def mounted_tmpfs(folder, size):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "varve-test", str(folder)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk(tmp_path):
    """The server stays up, says that there is no room, keeps what it acknowledged, and goes on when there is room."""
    data = tmp_path / "data"
    data.mkdir()
    with mounted_tmpfs(data, "96m"):
        filler = data / "tmp" / "filler"
        acknowledged, refused = [], []
        with Server(data, "--log-level", "off") as server:
            server.write("crowded,r=start v=1i 1")
            filler.parent.mkdir(exist_ok=True)
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                free = shutil.disk_usage(data).free
                while free > 8 << 20:
                    file.write(b"x" * (1 << 20))
                    free = shutil.disk_usage(data).free
            for request in range(400):
                body = "\n".join(f"crowded,r=r{request} v={i}i,text=\"{os.urandom(64).hex()}\" {i + 10}"
                                 for i in range(POINTS))
                answer = server.post("/write?precision=ms", body.encode())
                (acknowledged if answer.status_code == 204 else refused).append(request)
                if answer.status_code != 204:
                    text = message(answer, answer.status_code)
                    assert answer.status_code in (503, 507), answer.text
                    assert text
                if len(refused) >= 5:
                    break
            assert refused, "the disk never got full"
            assert server.rows("SELECT v FROM crowded WHERE r = 'start'") == [{"v": 1}]
            filler.unlink()
            for attempt in range(50):  # the log repairs itself with the next requests
                if server.post("/write?precision=ms", b"crowded,r=end v=2i 2").status_code == 204:
                    break
            assert server.rows("SELECT v FROM crowded WHERE r = 'end'") == [{"v": 2}], server.stderr[-2000:]
            check_full_disk(server, acknowledged)
            server.kill()
        with Server(data) as server:
            check_full_disk(server, acknowledged)


def check_full_disk(server, acknowledged):
    counts = {row["r"]: row["n"] for row in server.rows("SELECT r, count(*) AS n FROM crowded GROUP BY r")}
    for request in acknowledged:
        assert counts[f"r{request}"] == POINTS, f"acknowledged request {request}: {counts.get(f'r{request}')}"
    assert set(counts.values()) <= {POINTS, 1}, "a refused request is half there"


def damaged_folder(tmp_path):
    """A folder with every kind of file in it: two flushed tables, rows in the log, a catalogue."""
    data = tmp_path / "data"
    with Server(data) as server:
        server.write("\n".join(f"a,host=h{i % 7} v={i} {i * 1000}" for i in range(2000)))
        server.flush()
        server.write("\n".join(f"a,host=h{i % 7} v={i} {i * 1000}" for i in range(2000, 3000)))
        server.write("\n".join(f"a,host=h{i % 7} v={i} {i * 1000}" for i in range(3000, 4000)))
        server.kill()
    return data


def flip_byte(path, place):
    bytes_ = bytearray(path.read_bytes())
    bytes_[place if place >= 0 else len(bytes_) + place] ^= 0x40
    path.write_bytes(bytes_)


def test_a_damaged_catalogue_or_table_log_stops_the_start_with_its_name(tmp_path):
    data = damaged_folder(tmp_path)
    for pattern in ("catalogue/log/*.json", "tables/*/log/*.json"):
        path = sorted(data.glob(pattern))[0]
        before = path.read_bytes()
        flip_byte(path, len(before) // 2)
        text = start_error(data)
        assert path.name in text, text
        path.write_bytes(before)
    with Server(data) as server:
        assert server.value("SELECT count(*) FROM a") == 4000


def test_damage_in_the_middle_of_the_write_ahead_log_stops_the_start(tmp_path):
    data = damaged_folder(tmp_path)
    log = max(data.glob("wal/*.log"), key=lambda path: path.stat().st_size)
    before = log.read_bytes()
    flip_byte(log, len(before) // 3)
    text = start_error(data)
    assert log.name in text and any(character.isdigit() for character in text.replace(log.name, "")), text
    log.write_bytes(before)
    with Server(data) as server:
        assert server.value("SELECT count(*) FROM a") == 4000


def test_a_torn_tail_of_the_write_ahead_log_is_cut_with_a_warning(tmp_path):
    data = damaged_folder(tmp_path)
    log = max(data.glob("wal/*.log"), key=lambda path: path.stat().st_size)
    log.write_bytes(log.read_bytes()[:-5])
    with Server(data) as server:
        assert server.value("SELECT count(*) FROM a") == 3000
        assert log.name in server.stderr


def test_a_damaged_data_file_fails_its_queries_and_no_others(tmp_path):
    """Damage in a file's footer; `varve check` (test_check.py) finds it anywhere."""
    data = damaged_folder(tmp_path)
    path = next(data.glob("tables/*/data/*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-20] + b"\xff" * 12 + path.read_bytes()[-8:])
    with Server(data) as server:
        server.write("b,host=x v=1 1")
        answer = server.post("/sql", b"SELECT sum(v), max(host) FROM a")
        assert answer.status_code in (400, 500), answer.text
        assert server.value("SELECT v FROM b") == 1


def test_a_newer_format_is_refused(tmp_path):
    data = damaged_folder(tmp_path)
    path = data / "FORMAT"
    text = path.read_text()
    newer = "".join(str(int(c) + 1) if c.isdigit() else c for c in text)
    path.write_text(newer)
    assert "FORMAT" in start_error(data) or "format" in start_error(data)

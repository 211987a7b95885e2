"""Changes of a table over HTTP: clients that follow, come back, leave, ask for what has expired, and named consumers."""

import json
import socket
import threading
import time

import pyarrow
import requests

from harness import Server

CREATE = """CREATE TABLE cpu (host string TAG, t timestamp NOT NULL, v int, TIMESTAMP KEY(t))
            WITH (enable_ttl='false', 'snapshot.num-retained.min'='1', 'snapshot.num-retained.max'='1')"""
SECONDS_MAX = 60


def insert(server, *rows):
    """One version."""
    values = ", ".join(f"('{host}', {t}, {v})" for host, t, v in rows)
    server.sql(f"INSERT INTO cpu (host, t, v) VALUES {values}")
    server.flush()


class Follower:
    """Reads a stream of changes line by line, on a thread of its own."""

    def __init__(self, server, **parameters):
        self.lines = []
        self.heartbeats = 0
        self.ended = False
        self.answer = requests.get(server.url + "/v1/changes/cpu", params=parameters, stream=True, timeout=SECONDS_MAX)
        assert self.answer.status_code == 200, self.answer.text
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for line in self.answer.iter_lines():
                if line:
                    self.lines.append(json.loads(line))
                else:
                    self.heartbeats += 1
            self.ended = True
        except (requests.RequestException, AttributeError, ValueError):
            pass

    def await_version(self, version):
        until = time.monotonic() + SECONDS_MAX
        while {"_end_of_version": version} not in self.lines:
            assert time.monotonic() < until, self.lines
            time.sleep(0.01)

    def await_change(self, change):
        until = time.monotonic() + SECONDS_MAX
        while change not in [(kind, host, v) for kind, _, host, v in self.changes()]:
            assert time.monotonic() < until, self.lines
            time.sleep(0.01)

    def changes(self):
        return [(c["_change_type"], c["_commit_version"], c["host"], c["v"]) for c in self.lines if "host" in c]

    def leave(self):
        # close() would wait for the thread that reads.
        self.answer.raw.connection.sock.shutdown(socket.SHUT_RDWR)


def test_a_client_follows_and_comes_back(tmp_path):
    with Server(tmp_path / "data") as server:
        server.sql(CREATE)
        follower = Follower(server, **{"from": "earliest"})
        insert(server, ("a", 1, 1), ("b", 1, 2))
        follower.await_version(2)
        insert(server, ("a", 1, 10))
        follower.await_version(3)
        follower.leave()
        server.sql("DELETE FROM cpu WHERE host = 'b'")
        again = Follower(server, **{"from": "snapshot.3"})
        again.await_change(("delete", "b", 2))  # merges of files may be versions in between
        assert sorted(follower.changes()) == [("insert", 2, "a", 1), ("insert", 2, "b", 2),
                                              ("update_postimage", 3, "a", 10), ("update_preimage", 3, "a", 1)]
        assert [kind for kind, *_ in again.changes()] == ["delete"]
        assert server.rows("SELECT _change_type, v FROM table_changes('cpu', 3)") == [{"_change_type": "delete", "v": 2}]
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 8, "a follower has held the server up"
        again.thread.join(SECONDS_MAX)
        assert again.ended


def test_many_followers_leave_room_for_others(tmp_path):
    with Server(tmp_path / "data") as server:
        server.sql(CREATE)
        followers = [Follower(server, **{"from": "latest"}) for _ in range(40)]
        insert(server, ("a", 1, 1))
        for follower in followers:
            follower.await_version(2)
        assert server.value("SELECT count(*) AS n FROM cpu") == 1
        for follower in followers:
            follower.leave()


def test_what_has_expired_is_gone_but_for_a_consumer(tmp_path):
    data = tmp_path / "data"
    with Server(data) as server:
        server.sql(CREATE)
        insert(server, ("a", 1, 1))
        assert server.http.get(server.url + "/v1/changes/cpu",
                               params={"from": "2", "consumer": "billing", "follow": "false"}).text == ""
        for v in range(2, 6):
            insert(server, ("a", 1, v))
        server.sql("CALL varve_expire_snapshots('cpu', retain_last => 1)")
        server.sql("CALL varve_gc(grace => '0s')")
    with Server(data) as server:
        answer = server.http.get(server.url + "/v1/changes/cpu", params={"consumer": "billing", "follow": "false"})
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [c["v"] for c in lines if c.get("_change_type") == "update_postimage"] == [2, 3, 4, 5]
        acknowledged = server.post("/v1/changes/cpu/consumers/billing?version=6", b"").json()
        assert acknowledged["position"] == 6
        assert server.rows("SELECT consumer, next_snapshot_id FROM system.public.consumers") == [
            {"consumer": "billing", "next_snapshot_id": 7}]
        insert(server, ("a", 1, 6))
        server.sql("CALL varve_expire_snapshots('cpu', retain_last => 1)")
        gone = server.http.get(server.url + "/v1/changes/cpu", params={"from": "snapshot.2", "follow": "false"})
        assert gone.status_code == 410
        assert "changes of table cpu after snapshot 2 have expired" in gone.json()["message"]
        assert server.http.delete(server.url + "/v1/changes/cpu/consumers/billing").status_code == 200
        listed = server.http.get(server.url + "/v1/changes/cpu/consumers").json()
        assert listed == {"consumers": []}


def test_arrow(tmp_path):
    with Server(tmp_path / "data") as server:
        server.sql(CREATE)
        insert(server, ("a", 1, 1), ("b", 2, 2))
        answer = server.http.get(server.url + "/v1/changes/cpu",
                                 params={"from": "earliest", "follow": "false", "format": "arrow"})
        table = pyarrow.ipc.open_stream(answer.content).read_all()
        assert table.column_names[:3] == ["_change_type", "_commit_version", "_commit_timestamp"]
        assert table.column("v").to_pylist() == [1, 2] or table.column("v").to_pylist() == [2, 1]
        assert set(table.column("_change_type").to_pylist()) == {"insert"}

"""Varve, with its defaults: synced before it answers, rows of equal key replace each other."""

import json
import os
import pathlib
import time

from bench import answers, client, machine, queries
from bench.peers.base import ServerPeer, program

_LAST_POINT = "SELECT DISTINCT ON (hostname) * FROM cpu ORDER BY hostname, timestamp DESC"
RETAINED_SECONDS = 1


class Varve(ServerPeer):
    """`config`: lines of the TOML file."""

    name, label = "varve", "Varve"
    write_target = "/write?precision=ns"
    log_folders = "data/wal"

    def command(self):
        path = pathlib.Path(os.environ.get("VARVE_BINARY", "build/release/varve"))
        self.port = machine.free_port()
        command = [program(path, "varve"), "server", "--data", str(self.folder / "data"), "--http-port", str(self.port),
                   "--log-level", "warn"]
        if not self.settings.get("config"):
            return command
        config = self.folder / "varve.toml"
        config.write_text(self.settings["config"])
        return [*command, "--config", str(config)]

    def ready_request(self):
        return client.get("/health")

    def flush(self):
        self.must(client.post("/debug/flush_memtable", 0))

    def settle(self):
        self.flush()
        self.compact()
        self.wait_for_size()

    def compact(self) -> bool:
        """Whether the server could. Versions from before expire within a second instead of an hour: the disk shall
        show what the newest one needs."""
        self.ask(self.statement("ALTER TABLE cpu MODIFY SETTING snapshot.num-retained.min = '1', "
                                f"snapshot.time-retained = '{RETAINED_SECONDS}s'"))
        if self.ask(self.statement("COMPACT TABLE cpu")).status != 200:
            return False
        time.sleep(RETAINED_SECONDS)
        self.ask(self.statement("CALL varve_expire_snapshots('cpu', retain_last => 1)"))
        self.ask(self.statement("CALL varve_gc(grace => '0s')"))
        return True

    def statement(self, text):
        body = text.encode()
        return client.post("/sql", len(body)), body

    def request(self, question):
        return self.statement(queries.standard_sql(question, _LAST_POINT))

    def rows(self, question, answer):
        return answers.from_records(question, json.loads(answer.body)["rows"], int)

    def count(self):
        answer = self.ask(self.statement("SELECT count(*) AS n FROM cpu"))
        return json.loads(answer.body)["rows"][0]["n"] if answer.status == 200 else 0

    def files(self) -> int:
        return sum(1 for _ in (self.folder / "data/tables").rglob("*.parquet"))

    def disk_bytes(self):
        return machine.disk_bytes(self.folder / "data")

"""QuestDB 9 on the system's Java. It does not sync its log before it answers."""

import json
import pathlib
import urllib.parse

from bench import answers, client, machine, queries
from bench.peers.base import ServerPeer, Unavailable, program

_JAR = pathlib.Path("third_party/questdb/questdb.jar")
_CONFIG = """
http.bind.to=127.0.0.1:{http}
http.min.net.bind.to=127.0.0.1:{health}
pg.net.bind.to=127.0.0.1:{pg}
line.tcp.net.bind.to=127.0.0.1:{tcp}
line.udp.enabled=false
telemetry.enabled=false
"""


class QuestDB(ServerPeer):
    name, label = "questdb", "QuestDB"
    write_target = "/write?precision=n"
    log_folders = "root/db/cpu*/wal*"

    def command(self):
        java = program(pathlib.Path("third_party/questdb/java"), "java")
        if not _JAR.exists():
            raise Unavailable(f"there is no {_JAR}; scripts/setup.sh bench says why it could not be fetched")
        self.port = machine.free_port()
        ports = {name: machine.free_port() for name in ("health", "pg", "tcp")}
        (self.folder / "root/conf").mkdir(parents=True, exist_ok=True)
        (self.folder / "root/conf/server.conf").write_text(_CONFIG.format(http=self.port, **ports))
        return [java, "-XX:+UseParallelGC", "-Xmx4g", "-p", str(_JAR), "-m", "io.questdb/io.questdb.ServerMain",
                "-d", str(self.folder / "root")]

    def ready_request(self):
        return self._query("SELECT 1")

    def settle(self):
        self.wait_for_size()

    def request(self, question):
        return self._query(_sql(question))

    def _query(self, text):
        return client.get("/exec?" + urllib.parse.urlencode({"query": text}))

    def rows(self, question, answer):
        found = json.loads(answer.body)
        columns = [column["name"] for column in found["columns"]]
        return answers.from_records(question, [dict(zip(columns, row)) for row in found["dataset"]], answers.from_iso)

    def count(self):
        answer = self.ask(self._query("SELECT count() FROM cpu"))
        return json.loads(answer.body)["dataset"][0][0] if answer.status == 200 else 0

    def disk_bytes(self):
        return machine.disk_bytes(self.folder / "root/db")


def _sql(question) -> str:
    where = queries.conditions(question, "timestamp", lambda time: queries.utc(time, "T", ".000000Z"))
    sample = "SAMPLE BY 1h" if question.type.bucket == "hour" else "SAMPLE BY 1m"
    match question.type.form:
        case "max by time":
            return f"SELECT timestamp, {queries.calls(question, 'max')} FROM cpu{where} {sample}"
        case "mean by time and host":
            return f"SELECT timestamp, hostname, {queries.calls(question, 'avg')} FROM cpu{where} {sample}"
        case "last buckets":
            return (f"SELECT timestamp, {queries.calls(question, 'max')} FROM cpu{where} {sample} "
                    "ORDER BY timestamp DESC LIMIT 5")
        case "above 90":
            return f"SELECT * FROM cpu{where}"
        case "last point":
            return "SELECT * FROM cpu LATEST ON timestamp PARTITION BY hostname"
    raise ValueError(question.type.form)

"""InfluxDB 1.6 as Debian packages it: the log is synced before the answer, the index is in memory."""

import json
import pathlib
import urllib.parse

from bench import answers, client, machine, queries
from bench.peers.base import ServerPeer, program

_PROGRAM = pathlib.Path("third_party/influxdb/usr/bin/influxd")
# The two cold durations only matter after the load: they let its lasting form come within seconds instead of hours.
_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/data/meta"
[data]
  dir = "{folder}/data/data"
  wal-dir = "{folder}/data/wal"
  index-version = "inmem"
  cache-max-memory-size = "4g"
  cache-snapshot-write-cold-duration = "3s"
  compact-full-write-cold-duration = "3s"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  max-body-size = 0
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[logging]
  level = "error"
"""


class InfluxDB(ServerPeer):
    name, label = "influxdb", "InfluxDB"
    write_target = "/write?db=bench&precision=ns"
    log_folders = "data/wal"

    def command(self):
        path = program(_PROGRAM, "influxd")
        self.port = machine.free_port()
        config = self.folder / "influx.conf"
        config.write_text(_CONFIG.format(folder=self.folder, http=self.port, rpc=machine.free_port()))
        return [path, "run", "-config", str(config)]

    def ready_request(self):
        return client.get("/ping")

    def prepare(self):
        self.must(client.post("/query?q=" + urllib.parse.quote("CREATE DATABASE bench"), 0))

    def settle(self):
        self.wait_for_size()

    def request(self, question):
        return self._query(_influxql(question))

    def _query(self, text):
        return client.get("/query?" + urllib.parse.urlencode({"db": "bench", "epoch": "ms", "q": text}))

    def rows(self, question, answer):
        records = []
        for series in json.loads(answer.body)["results"][0].get("series", []):
            tags = series.get("tags", {})
            columns = ["timestamp", *tags, *series["columns"][1:]]
            for time, *values in series["values"]:
                if any(value is not None for value in values):  # a bucket that only touches the window is all null
                    records.append(dict(zip(columns, [time, *tags.values(), *values])))
        return answers.from_records(question, records, int)

    def count(self):
        (result,) = json.loads(self.must(self._query("SELECT count(usage_user) FROM cpu")))["results"]
        return result["series"][0]["values"][0][1] if "series" in result else 0

    def disk_bytes(self):
        return machine.disk_bytes(self.folder / "data")


def _influxql(question) -> str:
    where = queries.conditions(question, "time", lambda time: queries.utc(time, "T", "Z"))
    bucket = "1h" if question.type.bucket == "hour" else "1m"
    match question.type.form:
        case "max by time":
            return f"SELECT {queries.calls(question, 'max')} FROM cpu{where} GROUP BY time({bucket})"
        case "mean by time and host":
            return f"SELECT {queries.calls(question, 'mean')} FROM cpu{where} GROUP BY time({bucket}), hostname"
        case "last buckets":
            return (f"SELECT {queries.calls(question, 'max')} FROM cpu{where} "
                    f"GROUP BY time({bucket}) ORDER BY time DESC LIMIT 5")
        case "above 90":
            return f"SELECT * FROM cpu{where}"
        case "last point":
            return "SELECT * FROM cpu GROUP BY hostname ORDER BY time DESC LIMIT 1"
    raise ValueError(question.type.form)

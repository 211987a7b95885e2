"""DuckDB in this process, over Parquet files that it has written itself, sorted by host and time. No server, no HTTP,
no JSON: the answer is an Arrow table."""

import resource
import time

import duckdb

from bench import answers, machine, queries
from bench.peers.base import Peer

_LAST_POINT = ("SELECT cpu.* FROM cpu JOIN (SELECT hostname, max(timestamp) AS timestamp FROM cpu GROUP BY hostname) "
               "USING (hostname, timestamp)")


class DuckDB(Peer):
    """`files`: what the view `cpu` reads."""

    name, label = "duckdb", "DuckDB, one file"

    def start(self):
        self._files = [str(path) for path in self.settings["files"]]
        self._connection = duckdb.connect(config={"threads": 2})
        self._connection.execute("SET parquet_metadata_cache = true")
        self._connection.execute(f"CREATE VIEW cpu AS SELECT * FROM read_parquet({self._files})")

    def stop(self):
        self._connection.close()

    def load(self, bodies, lines, connections=1):
        return None

    def settle(self):
        pass

    def request(self, question):
        return queries.standard_sql(question, _LAST_POINT)

    def ask(self, request):
        return self._connection.execute(request).to_arrow_table()

    def rows(self, question, answer):
        columns = [answer.column(number) for number in range(answer.num_columns)]
        values = [column.cast("timestamp[ms]").cast("int64").to_pylist() if str(column.type).startswith("timestamp")
                  else column.to_pylist() for column in columns]
        return answers.from_records(question, [dict(zip(answer.column_names, row)) for row in zip(*values)], int)

    def size(self, answer):
        return answer.num_rows

    def count(self):
        return self._connection.execute("SELECT count(*) FROM cpu").fetchone()[0]

    def disk_bytes(self):
        return sum(map(machine.file_bytes, self._files))

    def cpu_seconds(self):
        return time.process_time()

    def memory_peak_bytes(self):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class DuckDBSegments(DuckDB):
    name, label = "duckdb2h", "DuckDB, 2 h files"

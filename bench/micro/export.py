"""What an export and an import cost beside programs that move as many bytes or rows: medians of alternating rounds.

    third_party/venv/bin/python -m bench.micro.export build/release/varve FOLDER [--hosts 1000] [--hours 24] [--rounds 5]
        [--wide-rows 4000000] [--only copy,encode,import,memory]

`copy`: an export that copies whole files, beside `cp`, `sync` and `sha256sum` of the same files. `encode`: an export whose
files hold replaced rows and must be encoded again, beside DuckDB's COPY of the same files, synced. `import`: beside the
export of the same snapshot. `memory`: the most resident memory of the command line, for each format. FOLDER is made,
and holds some times the size of the data: `cpu` has the shape of the other benchmarks, `wide` twenty random doubles and
a text of 200 characters a row.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import duckdb
import numpy
import pyarrow
import pyarrow.parquet

from bench import dataset, machine

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test"))
from harness import Server  # noqa: E402

WIDE_FIELDS = 20
WIDE_BATCH = 500_000
WIDE_STEP_MS = 100
FORMATS = ["parquet", "csv", "json"]
MEMORY_GOAL_MB = 500
END = "2016-02-01"  # after all rows, which begin with 2016
WIDE_COLUMNS = ["t", "host", "note", *(f"v{i}" for i in range(WIDE_FIELDS))]
CPU_COLUMNS = ["timestamp", *dataset.TAGS, *dataset.FIELDS]


def cpu_statement(name="cpu") -> str:
    columns = [f"{tag} string TAG" for tag in dataset.TAGS] + [f"{field} double" for field in dataset.FIELDS]
    return (f"CREATE TABLE {name} (timestamp timestamp NOT NULL, {', '.join(columns)}, TIMESTAMP KEY (timestamp)) "
            "WITH (enable_ttl='false', segment_duration='2h')")


def load_cpu(server, folder, hosts, hours):
    server.sql(cpu_statement())
    for path in dataset.Dataset(folder / "made", hosts, hours, "double", 123).segment_files():
        server.sql(f"COPY cpu FROM '{path}'")
    server.flush()


def load_wide(server, folder, rows):
    """Values that do not compress: files as large as they get."""
    fields = [f"v{i}" for i in range(WIDE_FIELDS)]
    server.sql("CREATE TABLE wide (t timestamp NOT NULL, host string TAG, note string, "
               + ", ".join(f"{name} double" for name in fields) + ", TIMESTAMP KEY (t)) "
               "WITH (enable_ttl='false', segment_duration='1d')")
    generator = numpy.random.default_rng(7)
    path = folder / "wide.parquet"
    for first in range(0, rows, WIDE_BATCH):
        numbers = numpy.arange(first, min(first + WIDE_BATCH, rows), dtype=numpy.int64)
        letters = generator.integers(97, 123, (len(numbers), 200), numpy.uint8)
        columns = {"t": pyarrow.array(dataset.START_MS + numbers * WIDE_STEP_MS, pyarrow.timestamp("ms")),
                   "host": pyarrow.array([f"h{n % 100}" for n in numbers]),
                   "note": pyarrow.array(letters.view("S200").ravel().astype(str))}
        columns |= {name: pyarrow.array(generator.random(len(numbers))) for name in fields}
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
        server.sql(f"COPY wide FROM '{path}'")
    path.unlink(missing_ok=True)
    server.flush()


def files_of(server, table) -> list[pathlib.Path]:
    return [path if path.is_absolute() else server.data / path
            for row in server.rows(f"SELECT file_path FROM {table}$files") for path in [pathlib.Path(row["file_path"])]]


def timed(work) -> float:
    os.sync()
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def ratio(times, one, other) -> str:
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    return f"{statistics.median(a / b for a, b in zip(times[one], times[other])):.2f}x"


def replacing(table, columns, where) -> str:
    listed = ", ".join(columns)
    return f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table} WHERE {where}"


class Bench:
    def __init__(self, arguments):
        self.program, self.rounds = arguments.program, arguments.rounds
        self.folder = arguments.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        # No merges in the background: they would leave whole files where replaced rows were.
        self.env = {"VARVE_COPY_ALLOWED_FOLDERS": str(self.folder), "VARVE_BINARY": self.program,
                    "VARVE_COMPACTION_MAX_ONGOING_TASKS": "0"}

    def server(self, name, *flags) -> Server:
        return Server(self.folder / name, "--log-level", "warn", *flags, env=self.env, program=self.program)

    def scratch(self, name) -> pathlib.Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def export(self, server, table, parallelism, name="snapshot"):
        path = self.scratch(name)
        return timed(lambda: server.sql(f"EXPORT DATABASE TO 'file://{path}' WITH (tables = '{table}', "
                                        f"end_time = '{END}', parallelism = {parallelism})"))

    def copy(self, server, table):
        """Whole files, beside cp and sha256sum."""
        files = [str(path) for path in files_of(server, table)]
        size = sum(os.path.getsize(path) for path in files)

        def cp():
            path = self.scratch("copied")
            path.mkdir()

            def work():
                subprocess.run(["cp", "--parents", *files, str(path)], check=True)
                subprocess.run(["sync", "-f", str(path)], check=True)

            return timed(work)

        def sums():
            return timed(lambda: subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL))

        candidates = {"cp, sync": cp, "sha256sum": sums,
                      "export": lambda: self.export(server, table, 1), "export, 2": lambda: self.export(server, table, 2)}
        times = self.measure(f"copy {table}, {size / 1e6:.0f} MB in {len(files)} files", candidates)
        times["both"] = [sum(pair) for pair in zip(times["cp, sync"], times["sha256sum"])]
        print(f"  cp + sha256sum / export {ratio(times, 'both', 'export')}, with two threads {ratio(times, 'both', 'export, 2')}")
        for each in ("copied", "snapshot"):
            self.scratch(each)

    def encode(self, server, table, replace):
        """Files with replaced rows, beside DuckDB's COPY of the same files."""
        files = [str(path) for path in files_of(server, table)]
        rows = server.value(f"SELECT count(*) AS n FROM {table}")
        server.sql(replace)

        def copy(threads):
            path = self.folder / "copied.parquet"
            listed = ", ".join(f"'{file}'" for file in files)

            def work():
                connection = duckdb.connect(config={"threads": threads})
                connection.execute(f"COPY (SELECT * FROM read_parquet([{listed}])) TO '{path}' (FORMAT parquet, CODEC zstd)")
                connection.close()
                with path.open("rb") as file:
                    os.fsync(file.fileno())

            return timed(work)

        times = self.measure(f"encode {table}, {rows} rows in {len(files)} files", {
            "DuckDB, 1": lambda: copy(1), "export, 1": lambda: self.export(server, table, 1),
            "DuckDB, 2": lambda: copy(2), "export, 2": lambda: self.export(server, table, 2)})
        sizes = [(self.folder / "copied.parquet").stat().st_size,
                 sum(path.stat().st_size for path in (self.folder / "snapshot" / "data").rglob("*.parquet"))]
        print(f"  DuckDB / export: one thread {ratio(times, 'DuckDB, 1', 'export, 1')}, two "
              f"{ratio(times, 'DuckDB, 2', 'export, 2')}; {sizes[0] / 1e6:.0f} MB and {sizes[1] / 1e6:.0f} MB")
        (self.folder / "copied.parquet").unlink()
        self.scratch("snapshot")

    def bring(self, server, table):
        """An import, beside the export of the same snapshot."""
        self.export(server, table, 1, "kept")

        names = ["target", "other"]

        def load(parallelism):
            names.reverse()
            self.scratch(names[0])
            with self.server(names[0]) as target:
                # Like the one before of an export: the kernel has as many free pages for both.
                self.scratch(names[1])
                return timed(lambda: target.sql(f"IMPORT DATABASE FROM 'file://{self.folder / 'kept'}' "
                                                f"WITH (parallelism = {parallelism})"))

        times = self.measure(f"import {table}", {
            "export, 1": lambda: self.export(server, table, 1), "import, 1": lambda: load(1),
            "export, 2": lambda: self.export(server, table, 2), "import, 2": lambda: load(2)})
        print(f"  export / import: one thread {ratio(times, 'export, 1', 'import, 1')}, two "
              f"{ratio(times, 'export, 2', 'import, 2')}")
        for each in ("kept", "snapshot", *names):
            self.scratch(each)

    def memory(self, tables):
        """The most resident memory of the command line, at four threads."""
        for table in tables:
            for data_format in FORMATS:
                snapshot = self.scratch("snapshot")
                out = self.run("export", "create", "--to", f"file://{snapshot}", "--data", self.folder / "source", "--tables",
                               table, "--format", data_format, "--end-time", END, "--parallelism", 4)
                back = self.run("import", "--from", f"file://{snapshot}", "--data", self.scratch("target"), "--parallelism", 4)
                size = sum(path.stat().st_size for path in (snapshot / "data").rglob("*.*"))
                print(f"memory {table:5} {data_format:8} {size / 1e6:7.0f} MB  export {out[0]:4.0f} MB in {out[1]:6.1f} s  "
                      f"import {back[0]:4.0f} MB in {back[1]:6.1f} s"
                      + ("" if max(out[0], back[0]) <= MEMORY_GOAL_MB else f"  above {MEMORY_GOAL_MB} MB"), flush=True)
                self.scratch("snapshot")
                self.scratch("target")

    def run(self, *arguments) -> tuple[float, float]:
        """Its peak in MB, and seconds."""
        begin = time.perf_counter()
        process = subprocess.Popen([self.program, *map(str, arguments)], stdout=subprocess.DEVNULL)
        peak = 0  # asked again and again: what wait4 tells counts this interpreter's memory before exec
        while process.poll() is None:
            try:
                peak = machine.memory_peak_bytes(process.pid) or peak
            except FileNotFoundError:
                break
            time.sleep(0.005)
        assert process.wait() == 0, arguments
        return peak / 1e6, time.perf_counter() - begin

    def measure(self, title, candidates) -> dict[str, list[float]]:
        times = {name: [] for name in candidates}
        for _ in range(self.rounds):
            for name, work in candidates.items():
                times[name].append(work())
        print(title + ": " + ", ".join(f"{name} {statistics.median(each):.2f} s" for name, each in times.items()), flush=True)
        return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--wide-rows", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="copy,import,encode,memory")
    arguments = parser.parse_args()
    only = arguments.only.split(",")
    bench = Bench(arguments)
    with bench.server("source") as server:
        if not server.rows("SELECT table_name FROM information_schema.tables WHERE table_name = 'cpu'"):
            load_cpu(server, bench.folder, arguments.hosts, arguments.hours)
            load_wide(server, bench.folder, arguments.wide_rows)
        for table in ("wide", "cpu"):
            if "copy" in only:
                bench.copy(server, table)
            if "import" in only:
                bench.bring(server, table)
        if "encode" in only:
            bench.encode(server, "cpu", replacing("cpu", CPU_COLUMNS, "hostname = 'host_7'"))
            bench.encode(server, "wide", replacing("wide", WIDE_COLUMNS, "host = 'h7'"))
    if "memory" in only:
        bench.memory(["wide", "cpu"])


if __name__ == "__main__":
    main()

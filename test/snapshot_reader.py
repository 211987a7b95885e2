"""Reads a snapshot by docs/export.md alone, without Varve: checks every checksum, then restores it into stock DuckDB."""

import hashlib
import json
import pathlib

import duckdb

TYPES = {"timestamp": "TIMESTAMP", "double": "DOUBLE", "float": "FLOAT", "string": "VARCHAR", "varbinary": "BLOB",
         "bigint": "BIGINT", "int": "INTEGER", "smallint": "SMALLINT", "tinyint": "TINYINT", "uint64": "UBIGINT",
         "uint32": "UINTEGER", "uint16": "USMALLINT", "uint8": "UTINYINT", "boolean": "BOOLEAN", "date": "DATE",
         "time": "TIME"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sum_of(entries) -> str:
    return sha256(b"".join(path.encode() + b"\0" + digest.encode() + b"\n" for path, digest in sorted(entries)))


def bare(digest: str) -> str:
    assert digest.startswith("sha256:")
    return digest.removeprefix("sha256:")


def check(folder: pathlib.Path) -> dict:
    """The manifest, when every checksum of the snapshot holds and no file is missing or too many."""
    text = (folder / "manifest.json").read_bytes()
    assert bare(json.loads((folder / "COMPLETE").read_text())["manifest_sha256"]) == sha256(text)
    manifest = json.loads(text)
    assert manifest["format"] == "varve-export" and manifest["min_reader"] <= 2 and manifest["state"] == "complete"
    expected = {file["path"]: file for file in manifest["schema_files"]}
    entries = [(file["path"], bare(file["sha256"])) for file in manifest["schema_files"]]
    end = manifest["time_range"]["start"]
    for number, chunk in enumerate(manifest["chunks"], 1):
        assert chunk["id"] == number and chunk["time_range"]["start"] == end
        end = chunk["time_range"]["end"]
        assert chunk["status"] in ("Completed", "Skipped")
        if chunk["status"] == "Completed":
            files = [(file["path"], bare(file["sha256"])) for file in chunk["files"]]
            assert bare(chunk["checksum"]) == sum_of(files)
            entries.append((f"data/{number}", bare(chunk["checksum"])))
        expected |= {file["path"]: file for file in chunk["files"]}
    assert not manifest["chunks"] or end == manifest["time_range"]["end"]
    assert bare(manifest["checksum"]) == sum_of(entries)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == set(expected) | {"manifest.json", "COMPLETE"}
    for path, file in expected.items():
        data = (folder / path).read_bytes()
        assert len(data) == file["size_bytes"] and sha256(data) == bare(file["sha256"]), path
    return manifest


def types_of(table: dict) -> dict[str, str]:
    return {c["name"]: TYPES[c["type"]] for c in table["columns"] if c["name"] != "tsid"}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def relation(schema: str, name: str) -> str:
    """Tables of other schemas than public have its name before theirs."""
    return quoted(name if schema == "public" else f"{schema}.{name}")


def make(connection, table: dict):
    columns = ", ".join(f"{quoted(c)} {t}" for c, t in types_of(table).items())
    connection.execute(f"CREATE TABLE {relation(table['schema'], table['name'])} ({columns})")


def insert(connection, folder: pathlib.Path, manifest: dict, table: dict, chunk: dict):
    columns = types_of(table)
    for file in chunk["files"]:
        if (file["schema"], file["table"]) != (table["schema"], table["name"]):
            continue
        path = folder / file["path"]
        texts = {c: "VARCHAR" if t == "BLOB" else t for c, t in columns.items()}
        source = {
            "parquet": f"read_parquet('{path}')",
            "csv": f"read_csv('{path}', header = true, delim = ',', quote = '\"', escape = '\"', "
                   f"allow_quoted_nulls = false, all_varchar = true)",
            "json": f"read_json('{path}', format = 'newline_delimited', columns = {texts})",
        }[manifest["data_format"]]
        chosen = ", ".join(f"CAST({quoted(c)} AS {t})" for c, t in columns.items())
        connection.execute(f"INSERT INTO {relation(table['schema'], table['name'])} SELECT {chosen} FROM {source}")


def tables_of(folder: pathlib.Path) -> list[dict]:
    return json.loads((folder / "schema/tables.json").read_text())["tables"]


def apply(connection, folder: pathlib.Path, base: pathlib.Path):
    """An increment onto what `base`, and what that was applied to, have left."""
    manifest = check(folder)
    assert manifest["base"]["snapshot_id"] == json.loads((base / "manifest.json").read_text())["snapshot_id"]
    assert bare(manifest["base"]["manifest_sha256"]) == sha256((base / "manifest.json").read_bytes())
    changes = manifest["changes"]
    made = {(table["schema"], table["name"]) for table in changes["made_tables"]}
    for table in changes["dropped_tables"] + changes["made_tables"]:
        connection.execute(f"DROP TABLE IF EXISTS {relation(table['schema'], table['name'])}")
    before = {(table["schema"], table["table"]): {c["id"]: c["name"] for c in table["columns"]}
              for table in changes["base_columns"]}
    for table in tables_of(folder):
        name = relation(table["schema"], table["name"])
        key = (table["schema"], table["name"])
        if key in made:
            make(connection, table)
        elif key in before:
            chosen = ", ".join(
                f"CAST({quoted(before[key][c['id']]) if c['id'] in before[key] else 'NULL'} AS {TYPES[c['type']]}) "
                f"AS {quoted(c['name'])}" for c in table["columns"] if c["name"] != "tsid")
            connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {chosen} FROM {name}")
        time = quoted(table["timestamp_key"])
        for chunk in manifest["chunks"]:
            whats = {source["change"] for source in chunk.get("sources", [])
                     if (source["schema"], source["table"]) == key}
            start, end = (f"TIMESTAMP '{chunk['time_range'][edge].rstrip('Z')}'" for edge in ("start", "end"))
            if "replace" in whats:
                connection.execute(f"DELETE FROM {name} WHERE {time} >= {start} AND {time} < {end}")
            if "add" in whats and key not in made and table["options"]["update_mode"] == "OVERWRITE":
                # Rows that come replace those of their keys.
                keys = [c for c in table["primary_key"] if c != "tsid"]
                keys += [c["name"] for c in table["columns"] if c["tag"]] if "tsid" in table["primary_key"] else []
                connection.execute(f"CREATE TEMP TABLE former AS SELECT * FROM {name}")
                connection.execute(f"DELETE FROM {name}")
                insert(connection, folder, manifest, table, chunk)
                same = " AND ".join(f"former.{quoted(c)} IS NOT DISTINCT FROM came.{quoted(c)}" for c in keys)
                connection.execute(f"INSERT INTO {name} SELECT * FROM former WHERE NOT EXISTS "
                                   f"(SELECT 1 FROM {name} AS came WHERE {same})")
                connection.execute("DROP TABLE former")
            else:
                insert(connection, folder, manifest, table, chunk)


def restore(folder: pathlib.Path, *increments: pathlib.Path) -> duckdb.DuckDBPyConnection:
    """All tables of the snapshot as tables of DuckDB, of the types that schema/tables.json names; then the increments, in
    their order."""
    manifest = check(folder)
    assert "base" not in manifest
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table in tables_of(folder):
        make(connection, table)
        for chunk in manifest["chunks"]:
            insert(connection, folder, manifest, table, chunk)
    for base, increment in zip((folder, *increments), increments):
        apply(connection, increment, base)
    return connection

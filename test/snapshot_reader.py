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
    assert manifest["format"] == "varve-export" and manifest["min_reader"] <= 1 and manifest["state"] == "complete"
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


def restore(folder: pathlib.Path) -> duckdb.DuckDBPyConnection:
    """All tables of the snapshot as tables of DuckDB, of the types that schema/tables.json names."""
    manifest = check(folder)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table in json.loads((folder / "schema/tables.json").read_text())["tables"]:
        columns = {c["name"]: TYPES[c["type"]] for c in table["columns"] if c["name"] != "tsid"}
        name = f'"{table["name"]}"'
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{json.dumps(c)} {t}' for c, t in columns.items())})")
        paths = [str(folder / file["path"]) for chunk in manifest["chunks"] for file in chunk["files"]
                 if file["schema"] == table["schema"] and file["table"] == table["name"]]
        for path in paths:
            texts = {c: "VARCHAR" if t == "BLOB" else t for c, t in columns.items()}
            source = {
                "parquet": f"read_parquet('{path}')",
                "csv": f"read_csv('{path}', header = true, delim = ',', quote = '\"', escape = '\"', "
                       f"allow_quoted_nulls = false, all_varchar = true)",
                "json": f"read_json('{path}', format = 'newline_delimited', columns = {texts})",
            }[manifest["data_format"]]
            chosen = ", ".join(f"CAST({json.dumps(c)} AS {t})" for c, t in columns.items())
            connection.execute(f"INSERT INTO {name} SELECT {chosen} FROM {source}")
    return connection

#!/usr/bin/env python3
"""Checks who may include whom, and where exceptions may live. Runs as a test; prints each finding and a count.

- A folder includes only folders that stand above it in src/LAYERS (and itself).
- DuckDB's headers are included in query/ only: they cost seconds per file and throw.
- `throw`, `try` and `catch` stand in query/ and in the files below that wrap a throwing library.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# Each wraps one library that reports errors by exceptions. The reason stands beside it.
EXCEPTION_WRAPPERS = {
    "meta/json_internal.cc": "nlohmann-json throws what a document lacks",
    "protect/json_fields.cc": "nlohmann-json throws for texts that are not UTF-8",
    "sst/object_stream_internal.cc": "Parquet throws from under Arrow's interfaces",
    "server/http/read_ahead.cc": "std::thread throws when the system has none left",
    "main/main.cc": "CLI11 throws what the command line says",
}


def strip(text: str) -> str:
    """The code without comments, strings and characters; line breaks stay."""
    pattern = r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, lambda m: "\n" * m.group(0).count("\n") + " ", text, flags=re.S)


def read_layers() -> list[list[str]]:
    lines = (SRC / "LAYERS").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def folder_of(path: str, folders: list[str]) -> str | None:
    """The layer that a path below src/ belongs to: the longest folder that it begins with."""
    fitting = [f for f in folders if path.startswith(f + "/")]
    return max(fitting, key=len) if fitting else None


def check_includes(path: str, text: str, rank: dict[str, int]) -> list[str]:
    findings = []
    own = folder_of(path, list(rank))
    if own is None:
        return [f"src/{path}: its folder is not in src/LAYERS"]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        if target.startswith("duckdb") and own != "query":
            findings.append(f"src/{path}:{number}: DuckDB's headers belong in query/ only: {target}")
        if not quoted:
            continue
        other = folder_of(target, list(rank))
        if other is None:
            if (SRC / target).exists() or "/" not in target:
                findings.append(f'src/{path}:{number}: include from src, as "folder/file.h": {target}')
        elif other != own and rank[other] >= rank[own]:
            findings.append(f"src/{path}:{number}: {own} must not include {other} (see src/LAYERS): {target}")
    return findings


def check_exceptions(path: str, text: str) -> list[str]:
    if path.startswith("query/") or path in EXCEPTION_WRAPPERS:
        return []
    return [f"src/{path}:{number}: exceptions stay in query/ and the listed wrappers: {match.group(0)}"
            for number, line in enumerate(strip(text).splitlines(), 1)
            for match in re.finditer(r"\b(throw|try|catch)\b", line)]


def main() -> int:
    rank = {folder: index for index, line in enumerate(read_layers()) for folder in line}
    findings, checked = [], 0
    for file in sorted(p for p in SRC.rglob("*") if p.suffix in (".h", ".cc")):
        path, text = file.relative_to(SRC).as_posix(), file.read_text()
        findings += check_includes(path, text, rank) + check_exceptions(path, text)
        checked += 1
    findings += [f"scripts/check_layers.py: the wrapper src/{path} is not there any more: take it off the list"
                 for path in EXCEPTION_WRAPPERS if not (SRC / path).exists()]
    for finding in findings:
        print(finding)
    print(f"layers: {checked} files, {len(findings)} findings")
    return 1 if findings or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

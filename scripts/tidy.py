#!/usr/bin/env python3
"""The rules of style that a program can check. Runs as a test; prints each finding and a count.

scripts/tidy_exceptions.txt lists what is known to break a rule, as `rule path`. The list may only shrink: an entry
that is not needed any more is a finding itself.
"""

import pathlib
import re
import sys

from check_layers import ROOT, SRC, strip

LINE_WIDTH_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
README_LINES_MAX = 30

# Word -> where it may stand (a folder below src/), and what to use instead.
BANNED = {
    r"\bTODO\b": ("", "finish it, or leave it out"),
    r"\bFIXME\b": ("", "fix it"),
    r"\bsystem_clock::now\b": ("base/", "take a Clock"),
    r"\bs?rand\s*\(": ("base/", "take an IdSource or a seeded generator"),
    r"\bsleep_(for|until)\b|\bu?sleep\s*\(": ("base/", "wait for what you wait for"),
    r"\busing namespace std\b": ("", "name what you use"),
}


def function_lengths(text: str):
    """(first line, lines) of every function: a brace at file, namespace or class level after a parenthesis."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", strip(text), flags=re.M)
    stack, head_start, line = [], 0, 1
    start_line = 1
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        if char in "{};" and not (char == ";" and code.count("(", head_start, position)
                                  > code.count(")", head_start, position)):
            head = code[head_start:position]
            if char == "{":
                stack.append((kind_of(head, stack), start_line))
            elif char == "}" and stack:
                kind, first = stack.pop()
                if kind == "function":
                    yield first, line - first + 1
            head_start, start_line = position + 1, line
        elif code[head_start:position].strip() == "" and not char.isspace():
            start_line = line


def kind_of(head: str, stack) -> str:
    if stack and stack[-1][0] in ("function", "block"):
        return "block"
    if re.search(r"\b(namespace|extern)\b", head) and "(" not in head:
        return "scope"
    if re.search(r"\b(class|struct|union|enum)\b", head) and not re.search(r"\)\s*(const|noexcept|override|final|->.*)?\s*$", head):
        return "scope"
    return "function" if "(" in head and not re.search(r"=\s*$", head) else "block"


def check_source(path: str, text: str):
    """(rule, line, what is wrong) of one .h or .cc file, a path below src/."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_WIDTH_MAX:
            yield "width", number, f"{len(line)} columns, at most {LINE_WIDTH_MAX}"
        if line != line.rstrip() or "\t" in line:
            yield "blanks", number, "a tab or blanks at the end"
        for pattern, (allowed, instead) in BANNED.items():
            if re.search(pattern, line) and not (allowed and path.startswith(allowed)):
                yield "banned", number, f"{re.search(pattern, line).group(0)}: {instead}"
    if len(lines) > FILE_LINES_MAX:
        yield "file-length", 1, f"{len(lines)} lines, at most {FILE_LINES_MAX}: it holds two concepts"
    for first, length in function_lengths(text):
        if length > FUNCTION_LINES_MAX:
            yield "function-length", first, f"a function of {length} lines, at most {FUNCTION_LINES_MAX}"
    if path.endswith(".h"):
        if not text.startswith("//"):
            yield "header-comment", 1, "a header opens with what it is for"
        if "#pragma once" not in text:
            yield "pragma-once", 1, "#pragma once is missing"


def type_names(text: str):
    """(name, line) of the types that a header defines in a namespace: those that begin a line."""
    code = strip(text)
    for match in re.finditer(r"^(?:class|struct|union|enum(?: class)?)\s+(\w+)(?:\s+final)?\s*(?::(?!:)[^;{]*)?\{", code, re.M):
        yield match.group(1), code.count("\n", 0, match.start()) + 1


def check_type_names(headers):
    """Two types of one name are one type to the linker, which takes either's functions for both."""
    first = {}
    for path, text in headers:
        for name, line in type_names(text):
            if name in first:
                yield "type-name", path, line, f"{name} is also a type of {first[name]}: name one of them otherwise"
            first.setdefault(name, path)


def check_folder(folder: pathlib.Path):
    if not any(f.suffix in (".h", ".cc") for f in folder.iterdir()):
        return
    readme = folder / "README.md"
    if not readme.exists():
        yield "readme", 1, "the folder has no README.md (why it exists, what belongs, what to read first)"
    elif len(readme.read_text().splitlines()) > README_LINES_MAX:
        yield "readme", 1, f"README.md has more than {README_LINES_MAX} lines"


def main() -> int:
    findings, checked = [], 0
    for file in sorted(p for p in SRC.rglob("*") if p.suffix in (".h", ".cc")):
        path = file.relative_to(SRC).as_posix()
        findings += [(rule, f"src/{path}", line, what) for rule, line, what in check_source(path, file.read_text())]
        checked += 1
    headers = [(f"src/{p.relative_to(SRC).as_posix()}", p.read_text()) for p in sorted(SRC.rglob("*.h"))]
    findings += [(rule, path, line, what) for rule, path, line, what in check_type_names(headers)]
    for folder in sorted(p for p in SRC.rglob("*") if p.is_dir()):
        path = folder.relative_to(ROOT).as_posix()
        findings += [(rule, path, line, what) for rule, line, what in check_folder(folder)]
    listed = ROOT / "scripts" / "tidy_exceptions.txt"
    exceptions = {tuple(line.split()) for line in listed.read_text().splitlines() if line and line[0] != "#"}
    used = {(rule, path) for rule, path, _, _ in findings} & exceptions
    open_findings = [f"{path}:{line}: {rule}: {what}" for rule, path, line, what in findings
                     if (rule, path) not in exceptions]
    open_findings += [f"scripts/tidy_exceptions.txt: `{' '.join(entry)}` is not needed any more: take it off"
                      for entry in sorted(exceptions - used)]
    for finding in open_findings:
        print(finding)
    print(f"tidy: {checked} files, {len(open_findings)} findings, {len(used)} exceptions")
    return 1 if open_findings or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

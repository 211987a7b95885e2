"""Makes the fetched DuckDB headers readable for clang, which checks Varve's code (g++ takes them as they are).

`main/profiling_utils.hpp` holds a unique_ptr to ActiveTimer in a struct that stands before ActiveTimer's
definition; clang's C++23 library refuses to instantiate that deleter. The definition moves up, and the bodies
that need the complete QueryMetrics stay where they were. Layout and meaning do not change.
"""

import pathlib
import re
import sys


def move_active_timer_up(text: str) -> str:
    struct = re.search(r"struct ActiveTimer \{.*?\n\};\n", text, re.S)
    if not struct or "struct ActiveTimer;\n" not in text:
        raise SystemExit("duckdb_headers.py: profiling_utils.hpp is not the pinned one: ActiveTimer not found")
    definition, bodies = struct.group(0), []
    for name in ("EndTimer", "Reset"):
        method = re.search(rf"\tvoid {name}\(\) \{{\n(.*?)\n\t\}}\n", definition, re.S)
        if method:
            definition = definition.replace(method.group(0), f"\tvoid {name}();\n")
            bodies.append(f"inline void ActiveTimer::{name}() {{\n{method.group(1)}\n}}\n")
    text = text.replace(struct.group(0), "\n".join(bodies))
    return text.replace("struct ActiveTimer;\n", "struct QueryMetrics;\n\n" + definition, 1)


def main() -> None:
    header = pathlib.Path(sys.argv[1]) / "duckdb" / "main" / "profiling_utils.hpp"
    header.write_text(move_active_timer_up(header.read_text()))


if __name__ == "__main__":
    main()

"""What a run has found: printed as it comes, and kept as JSON and as Markdown for docs/benchmarks.md."""

import datetime
import json
import pathlib
import statistics


class Report:
    """Written after each case, so that an interrupted run keeps what it had."""

    def __init__(self, folder: pathlib.Path, about: dict):
        stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"results-{stamp}.json"
        self._about, self._cases, self._text = about, {}, []
        self.problems: list[str] = []  # missed floors and wrong answers

    def heading(self, text: str):
        self._say(f"\n## {text}\n")

    def note(self, text: str):
        self._say(text + "\n")

    def problem(self, text: str):
        self.problems.append(text)
        self._say(f"**{text}**\n")

    def table(self, columns: list[str], rows: list[list]):
        cells = [columns, *[[_text(cell) for cell in row] for row in rows]]
        widths = [max(len(row[n]) for row in cells) for n in range(len(columns))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        self._say("\n".join(lines) + "\n")

    def keep(self, case: str, figures):
        """`figures` of plain dicts, lists, numbers and strings."""
        self._cases[case] = figures
        found = {**self._about, "cases": self._cases, "problems": self.problems}
        self.path.write_text(json.dumps(found, indent=1) + "\n")
        self.path.with_suffix(".md").write_text("\n".join(self._text))

    def _say(self, text):
        print(text, flush=True)
        self._text.append(text)


def progress(text: str):
    """For whoever waits; not part of the results."""
    print(f"  .. {text}", flush=True)


def median(values) -> float:
    return statistics.median(values)


def percentile(values, share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _text(cell) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}" if abs(cell) < 10 else f"{cell:.1f}"
    return "-" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)

"""The examples of docs/sql/ print what the pages say: each ```sql block followed by a ```text block, in order, on a fresh
database per page.

VARVE_UPDATE_DOCS=1 writes into the pages what was printed instead.
"""

import os
import re
import subprocess

import pytest

from harness import ROOT, binary

PAGES = sorted((ROOT / "docs" / "sql").glob("*.md"))
EXAMPLE = re.compile(r"```sql\n(.*?)```\n```text\n(.*?)```", re.S)


def printed(statements, folder):
    """What the shell prints of each statement, errors among the rest."""
    lines = []
    for statement in re.split(r";\s*\n", statements.strip().removesuffix(";")):
        done = subprocess.run([binary(), "sql", "--data", str(folder / "data"), "-c", statement], cwd=folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        lines += [line.rstrip() for line in done.stdout.splitlines()]
    return lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples(page, tmp_path):
    text = page.read_text()
    if os.environ.get("VARVE_UPDATE_DOCS"):
        page.write_text(EXAMPLE.sub(
            lambda match: "```sql\n{}```\n```text\n{}\n```".format(match[1], "\n".join(printed(match[1], tmp_path))),
            text))
        return
    for example in EXAMPLE.finditer(text):
        assert printed(example[1], tmp_path) == [line.rstrip() for line in example[2].splitlines()], example[1]


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "sql" / "README.md").read_text()
    for page in PAGES:
        assert page.stem == "README" or f"({page.name})" in index

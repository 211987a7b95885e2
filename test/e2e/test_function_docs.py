"""The examples of docs/sql-functions.md are run: each answers what the page says.

The block of ```sql makes the table. An example is a SELECT, or what one selects; its rows are compared as CSV, with a blank
between rows.
"""

import re

import pytest

from harness import ROOT, Server, sql_command

PAGE = (ROOT / "docs" / "sql-functions.md").read_text()

CERESDB = """abs acos array array_agg arrow_typeof ascii asin atan atan2 approx_distinct approx_median approx_percentile_cont
approx_percentile_cont_with_weight avg bit_length btrim ceil char_length character_length chr coalesce concat concat_ws corr
cos count covar covar_pop covar_samp date_bin date_part date_trunc digest exp extract floor from_unixtime in_list initcap left
length ln log10 log2 lower lpad ltrim max md5 min now nullif octet_length power random regexp_match regexp_replace repeat
replace reverse right round rpad rtrim sha224 sha256 sha384 sha512 signum sin split_part sqrt starts_with stddev stddev_pop
stddev_samp strpos substr sum tan thetasketch_distinct time_bucket to_hex to_timestamp to_timestamp_micros
to_timestamp_millis to_timestamp_seconds translate trim trunc upper var var_pop var_samp""".split()


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def examples():
    """(line number, statement, expected rows) of the tables that have examples."""
    header = []
    for number, line in enumerate(PAGE.splitlines(), 1):
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells(line)
        elif "example" in header and not set(line) <= set("|-"):
            row = cells(line)
            assert len(row) == len(header), f"line {number}: {line}"
            example = row[header.index("example")].strip("`")
            yield number, example if example.startswith("SELECT ") else f"SELECT {example}", row[header.index("answer")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("functions") / "data") as server:
        for setup in re.findall(r"^```sql\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
            sql_command("--url", server.url, "-c", setup)
        yield server


@pytest.mark.parametrize(("number", "statement", "expected"), examples())
def test_example(server, number, statement, expected):
    output = sql_command("--url", server.url, "--format", "csv", "-c", statement).stdout
    assert " ".join(output.splitlines()[1:]) == expected, f"docs/sql-functions.md:{number}: {statement}"


def test_ceresdbs_functions_are_all_there():
    missing = [name for name in CERESDB if not re.search(rf"`[^`]*\b{name}\b", PAGE)]
    assert not missing

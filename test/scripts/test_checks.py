"""Proves that the checks of scripts/ find what they are there to find: a check that is always green checks nothing."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import check_layers  # noqa: E402
import run_tests  # noqa: E402
import tidy  # noqa: E402

RANK = {"base": 0, "model": 1, "query": 2, "server/http": 3, "server/influx": 4, "main": 5}


def test_an_include_of_a_lower_folder_is_found():
    assert check_layers.check_includes("model/a.h", '#include "query/session.h"\n', RANK)
    assert check_layers.check_includes("server/http/a.h", '#include "server/influx/b.h"\n', RANK)
    assert not check_layers.check_includes("query/a.h", '#include "model/a.h"\n', RANK)
    assert not check_layers.check_includes("server/influx/a.h", '#include "server/http/a.h"\n', RANK)


def test_duckdb_headers_and_unknown_folders_are_found():
    assert check_layers.check_includes("main/a.cc", "#include <duckdb.hpp>\n", RANK)
    assert not check_layers.check_includes("query/a.cc", "#include <duckdb.hpp>\n", RANK)
    assert check_layers.check_includes("util/a.cc", "", RANK)


def test_exceptions_are_found_but_not_in_text():
    assert check_layers.check_exceptions("base/a.cc", "void f() { throw 1; }")
    assert not check_layers.check_exceptions("base/a.cc", '// try\nauto s = "throw"; /* catch */')
    assert not check_layers.check_exceptions("query/a.cc", "try { f(); } catch (...) {}")


def function(lines: int) -> str:
    return "int F(int a) {\n" + "  a += 1;\n" * (lines - 2) + "}\n"


def test_function_lengths_are_measured_by_braces():
    text = "namespace varve {\nclass A {\n void G() { for (;;) {} }\n};\n" + function(71) + function(70) + "}\n"
    lengths = [length for _, length in tidy.function_lengths(text)]
    assert lengths == [1, 71, 70]
    rules = [rule for rule, _, _ in tidy.check_source("base/a.cc", text)]
    assert rules == ["function-length"]


def test_the_other_rules():
    def rules(path, text):
        return [rule for rule, _, _ in tidy.check_source(path, text)]
    assert rules("base/a.cc", "// " + "x" * 98 + "\n") == ["width"]
    assert rules("wal/a.cc", "auto t = std::chrono::system_clock::now();\n") == ["banned"]
    assert rules("base/a.cc", "auto t = std::chrono::system_clock::now();\n") == []
    assert rules("base/a.cc", "// TODO: later\n") == ["banned"]
    assert rules("base/a.h", "int a;\n") == ["header-comment", "pragma-once"]
    assert rules("base/a.cc", "int a;\n" * 801) == ["file-length"]


def test_types_of_one_name_are_found():
    headers = [("src/a.h", "namespace varve {\nstruct A {};\nclass A::B {};\nenum class C : int {};\n}\n"),
               ("src/b.h", "class A final : public X {\n};\nclass C;\nnamespace {\n  struct C {};\n}\n")]
    assert [(path, line) for _, path, line, _ in tidy.check_type_names(headers)] == [("src/b.h", 1)]


def test_a_suite_that_runs_nothing_or_dies_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(run_tests, "LOGS", tmp_path)
    (tmp_path / "empty").mkdir()
    nothing = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path / "empty")]
    assert run_tests.run(run_tests.Suite("nothing", nothing, pytest=True)).failed == 1
    assert run_tests.run(run_tests.Suite("gone", ["/no/such/program"])).failed == 1
    assert run_tests.run(run_tests.Suite("dies", [sys.executable, "-c", "import os; os.abort()"])).failed == 1
    assert run_tests.run(run_tests.Suite("fine", [sys.executable, "-c", ""])).passed == 1

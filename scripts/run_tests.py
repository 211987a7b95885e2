#!/usr/bin/env python3
"""Runs every suite that `make test` names, one after the other, and ends with one line: `N passed, N failed`.

The output of a suite goes to build/test-logs/<suite>.log; while running there is one line per suite, and the tail of
the log for one that fails. The exit code is 0 only when nothing failed and every suite ran at least one test.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
PYTHON = ROOT / "third_party" / "venv" / "bin" / "python"
SUITE_SECONDS_MAX = 1200  # a suite that takes longer hangs; the slowest takes a few minutes on two cores
LOG_TAIL_LINES = 60


@dataclass
class Suite:
    name: str
    command: list[str]
    cwd: pathlib.Path = ROOT
    env: dict[str, str] = field(default_factory=dict)
    gtest: bool = False
    pytest: bool = False


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""


def sanitizer_env() -> dict[str, str]:
    """What the sanitized build needs: the prebuilt libraries keep memory for ever, and that is not ours to report."""
    suppressions = ROOT / "scripts" / "lsan_suppressions.txt"
    return {
        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:abort_on_error=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "LSAN_OPTIONS": f"suppressions={suppressions}:print_suppressions=0",
    }


def ctest_suites(preset: str) -> list[Suite]:
    """The tests that CMake knows in this build: GoogleTest programs and others."""
    build = ROOT / "build" / preset
    listing = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"],
                             capture_output=True, text=True, check=True).stdout
    suites = []
    for test in json.loads(listing)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        command = test.get("command") or [f"(not built: {test['name']})"]
        suites.append(Suite(
            name=f"{preset}/{test['name']}",
            command=command,
            cwd=pathlib.Path(properties.get("WORKING_DIRECTORY", build)),
            env=sanitizer_env() if preset == "asan" else {},
            gtest=re.fullmatch(r"varve_.*_test", pathlib.Path(command[0]).name) is not None,
        ))
    return suites


def pytest_suite(folder: str) -> Suite:
    command = [str(PYTHON), "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", f"test/{folder}"]
    return Suite(name=folder, command=command, pytest=True)


def all_suites() -> list[Suite]:
    return [
        Suite("layers", [sys.executable, "scripts/check_layers.py"]),
        Suite("tidy", [sys.executable, "scripts/tidy.py"]),
        Suite("scripts", [str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "test/scripts"], pytest=True),
        # The program that users run is the release build: end-to-end and crash tests drive it. Unit tests and .test
        # files run once, where they see most: with the sanitizers.
        Suite("release/openssl_binding", ["scripts/check_openssl.sh", "build/release/varve"]),
        *ctest_suites("asan"),
        pytest_suite("stores"),
        pytest_suite("fuzz"),
        pytest_suite("e2e"),
        pytest_suite("crash"),
    ]


def count_gtest(report: pathlib.Path) -> Outcome:
    document = json.loads(report.read_text())
    outcome = Outcome()
    for suite in document["testsuites"]:
        for test in suite["testsuite"]:
            if test.get("result") == "SKIPPED" or test.get("status") == "NOTRUN":
                outcome.skipped += 1
            elif test.get("failures"):
                outcome.failed += 1
            else:
                outcome.passed += 1
    return outcome


def count_pytest(report: pathlib.Path) -> Outcome:
    outcome = Outcome()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        if "skipped" in kinds:
            outcome.skipped += 1
        elif kinds & {"failure", "error"}:
            outcome.failed += 1
        else:
            outcome.passed += 1
    return outcome


def run(suite: Suite) -> Outcome:
    stem = suite.name.replace("/", "-")
    log, report = LOGS / f"{stem}.log", LOGS / f"{stem}.report"
    command = list(suite.command)
    if suite.gtest:
        command.append(f"--gtest_output=json:{report}")
    if suite.pytest:
        command.append(f"--junitxml={report}")
    with log.open("w") as out:
        try:
            code = subprocess.run(command, cwd=suite.cwd, env=os.environ | suite.env, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=subprocess.STDOUT, timeout=SUITE_SECONDS_MAX).returncode
        except subprocess.TimeoutExpired:
            return Outcome(failed=1, note=f"took longer than {SUITE_SECONDS_MAX} s")
        except OSError as error:
            return Outcome(failed=1, note=str(error))
    if not (suite.gtest or suite.pytest):
        return Outcome(passed=1) if code == 0 else Outcome(failed=1, note=f"exit code {code}")
    if not report.exists():
        return Outcome(failed=1, note=f"exit code {code}, and no report was written")
    outcome = count_gtest(report) if suite.gtest else count_pytest(report)
    if code != 0 and outcome.failed == 0:  # a crash at the end, a leak, an error outside all tests
        outcome.failed, outcome.note = 1, f"exit code {code}"
    if outcome.passed + outcome.failed == 0:
        outcome.failed, outcome.note = 1, "ran no test"
    return outcome


def show_tail(log: pathlib.Path) -> None:
    if log.exists():
        for line in log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]:
            print(f"    | {line}")


def main() -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in LOGS.iterdir():
        old.unlink()
    wanted = sys.argv[1:]  # names of suites, or beginnings of names; none = all
    total = Outcome()
    for suite in all_suites():
        if wanted and not any(suite.name.startswith(w) for w in wanted):
            continue
        started = time.monotonic()
        outcome = run(suite)
        seconds = time.monotonic() - started
        skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
        note = f"  ({outcome.note})" if outcome.note else ""
        print(f"  {suite.name:<28} {outcome.passed:>5} passed, {outcome.failed} failed{skipped}"
              f"  {seconds:6.1f} s{note}", flush=True)
        if outcome.failed:
            show_tail(LOGS / f"{suite.name.replace('/', '-')}.log")
        total.passed += outcome.passed
        total.failed += outcome.failed
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

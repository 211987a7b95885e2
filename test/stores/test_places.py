"""Runs the suite that every ObjectStore must pass over real object services."""

import os
import pathlib
import re
import subprocess

import pytest
import services

SUITE_SECONDS_MAX = 120


def suite_program() -> pathlib.Path:
    """VARVE_STORE_TEST, or the sanitized build."""
    return pathlib.Path(os.environ.get("VARVE_STORE_TEST",
                                       services.ROOT / "build" / "asan" / "src" / "varve_store_test"))


@services.each
def test_a_real_service_keeps_the_promises_of_a_store(service, tmp_path):
    if not suite_program().exists():
        pytest.skip(f"{suite_program()} is not built")
    with service(tmp_path) as place:
        env = place.environment() | {f"VARVE_TEST_STORE_{place.kind.upper()}": place.location, "NO_PROXY": "*"}
        run = subprocess.run([str(suite_program()), f"--gtest_filter=*/{place.kind}"], env=os.environ | env, text=True,
                             capture_output=True, timeout=SUITE_SECONDS_MAX)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-5000:]
    passed = re.search(r"\[  PASSED  \] (\d+) tests?\.", run.stdout)
    assert passed and int(passed.group(1)) > 0 and "SKIPPED" not in run.stdout, run.stdout[-2000:]

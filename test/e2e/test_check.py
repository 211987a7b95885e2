"""`varve check`: a sound folder passes; a flipped byte or a missing file anywhere is found and named."""

import subprocess

import pytest

from harness import Server, binary


def check(data, expect):
    done = subprocess.run([binary(), "check", str(data)], capture_output=True, text=True, timeout=120)
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture
def data(tmp_path):
    with Server(tmp_path / "data") as server:
        for first in (0, 2000):
            server.write("\n".join(f"a,host=h{i % 7} v={i} {i * 1000}" for i in range(first, first + 2000)))
            server.flush()
        server.write("a,host=h v=1 5000000")
        server.write("a,host=h v=1 5001000")
        server.kill()
    return tmp_path / "data"


def test_a_sound_folder(data):
    done = check(data, 0)
    assert "table public.a: " in done.stdout and "2 records" in done.stdout and "all is well" in done.stdout
    with Server(data) as server:
        assert server.value("SELECT count(*) AS n FROM a") == 4002


@pytest.mark.parametrize("pattern", ["tables/*/data/*/*.parquet", "tables/*/log/*.json", "catalogue/log/*.json"])
@pytest.mark.parametrize("damage", ["flip", "remove", "cut"])
def test_damage_is_found_and_named(data, pattern, damage):
    path = sorted(data.glob(pattern))[0]
    if damage == "remove":
        path.unlink()
    else:
        found = bytearray(path.read_bytes())
        found[len(found) // 2] ^= 1
        path.write_bytes(found if damage == "flip" else found[:-1])
    text = check(data, 1).stderr
    assert path.stem in text or path.name in text, text


def test_what_no_version_names_is_harmless(data):
    left = next(data.glob("tables/*/data/*/*.parquet"))
    left.with_name("00000000-0000-4000-8000-000000000000.parquet").write_bytes(b"left by a crash")
    assert "1 unreferenced" in check(data, 0).stdout


def test_a_folder_in_use_and_one_that_is_none(data, tmp_path):
    with Server(data) as server:
        assert str(server.process.pid) in check(data, 1).stderr
    assert "not a data folder" in check(tmp_path, 1).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]

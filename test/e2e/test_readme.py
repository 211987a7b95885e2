"""The README's tour prints what the README says it prints."""

import re
import subprocess

from harness import ROOT, Server, binary

DEFAULT_URL = "http://127.0.0.1:5440"


def blocks(text):
    """(commands, printed) of the tour: a block of commands, and the block after it that shows what they print."""
    found = re.findall(r"```\n(.*?)```", text.split("## Five minutes", 1)[1], re.S)
    assert len(found) % 2 == 0 and found, "the tour's blocks do not come in pairs"
    return list(zip(found[::2], found[1::2]))


def comparable(text):
    """Its lines; every id is another one each time."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return [line.rstrip() for line in text.splitlines()]


def run(commands, folder, url):
    """What they print. The shell's default server and the one in the README are the one of this test."""
    commands = commands.replace(DEFAULT_URL, url).replace("build/varve sql -c", f"build/varve sql --url {url} -c")
    done = subprocess.run(["bash", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_tour(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "varve").symlink_to(binary())
    for name in ("third_party", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    pairs = blocks((ROOT / "README.md").read_text())
    server = Server(tmp_path / "varve-data")
    try:
        for commands, printed in pairs:
            if "--data ./varve-data" in commands and server.process.poll() is None:
                server.stop()
            found = run(commands, tmp_path, server.url)
            assert comparable(found) == comparable(printed)
    finally:
        if server.process.poll() is None:
            server.stop()

"""`varve sql` and the command line as a user meets them: output, exit codes, errors that say what to do."""

import errno
import json
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from harness import ROOT, Server, binary, sql_command

SETUP = ("CREATE TABLE t (ts timestamp TIMESTAMP KEY, host string TAG, v double) WITH (enable_ttl = 'false'); "
         "INSERT INTO t (ts, host, v) VALUES (1357020000000, 'a', 1.5), (1357020000500, 'b', NULL)")
QUERY = "SELECT ts, host, v FROM t ORDER BY ts"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("shell") / "data") as server:
        sql_command("--url", server.url, "-c", SETUP)
        yield server


def run(*arguments, expect=0):
    done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def test_help_shows_examples_everywhere():
    for command in ([], ["server"], ["sql"], ["check"]):
        assert "Examples:" in run(*command, "--help").stdout
    assert run("--version").stdout.startswith("varve ")


def test_wrong_usage_is_exit_code_2():
    for arguments in ([], ["unknown"], ["sql", "--format", "xml", "-c", "SELECT 1"], ["server", "--http-port", "x"],
                      ["server", "--config", "/no/such/file"], ["sql", "--nonsense"]):
        assert run(*arguments, expect=2).stderr, arguments


def test_an_unknown_setting_is_refused_with_a_suggestion(tmp_path):
    (tmp_path / "varve.toml").write_text("[server]\nhttp_prot = 1\n")
    done = run("server", "--config", tmp_path / "varve.toml", expect=2)
    assert "varve.toml:2" in done.stderr and "server.http_port" in done.stderr


def test_rows_that_are_not_kept_are_said_on_standard_error(tmp_path, server):
    setup = "CREATE TABLE short (ts timestamp TIMESTAMP KEY, v double) WITH (ttl = '7d')"
    for place in (["--data", tmp_path / "local"], ["--url", server.url]):
        sql_command(*place, "-c", setup)
        done = sql_command(*place, "-c", "INSERT INTO short (ts, v) VALUES (1357020000000, 1.5)")
        assert done.stdout == "1 row affected\n"
        assert "varve: warning: 1 row of table short is older than its ttl (7d)" in done.stderr
        sql_command(*place, "-c", "DROP TABLE short")


def test_formats_are_the_same_with_and_without_a_server(tmp_path, server):
    sql_command("--data", tmp_path / "local", "-c", SETUP)
    expected = {
        "table": " ts                       | host |    v\n"
                 "--------------------------+------+------\n"
                 " 2013-01-01T06:00:00Z     | a    |  1.5\n"
                 " 2013-01-01T06:00:00.500Z | b    | NULL\n"
                 "(2 rows)\n",
        "csv": "ts,host,v\n2013-01-01T06:00:00Z,a,1.5\n2013-01-01T06:00:00.500Z,b,\n",
    }
    for place in (["--data", tmp_path / "local"], ["--url", server.url]):
        for form, text in expected.items():
            found = sql_command(*place, "--format", form, "-c", QUERY).stdout
            assert [line.rstrip() for line in found.splitlines()] == [line.rstrip() for line in text.splitlines()]
        found = json.loads(sql_command(*place, "--format", "json", "-c", QUERY).stdout)
        assert found == server.sql(QUERY)


def test_files_and_pipes_are_scripts(tmp_path, server):
    script = tmp_path / "script.sql"
    script.write_text("-- two statements\nSELECT 1 AS a;\nSELECT\n  ';' AS b\n")
    for done in (sql_command("--url", server.url, "-f", script, "--format", "csv"),
                 sql_command("--url", server.url, "--format", "csv", stdin=script.read_text())):
        assert done.stdout == "a\n1\nb\n;\n"


def test_a_script_stops_at_its_first_error_and_says_where(tmp_path, server):
    script = tmp_path / "script.sql"
    script.write_text("SELECT 1 AS a;\n\nSELECT nothing FROM nowhere;\nSELECT 2 AS c;\n")
    done = sql_command("--url", server.url, "-f", script, "--format", "csv", expect=1)
    assert done.stdout == "a\n1\n"
    assert f"{script}:3: " in done.stderr and "nowhere" in done.stderr


def test_a_server_that_is_not_there():
    done = sql_command("--url", "http://127.0.0.1:1", "-c", "SELECT 1", expect=1)
    assert "http://127.0.0.1:1" in done.stderr and "varve server" in done.stderr


def test_a_folder_that_a_server_has_open(server):
    done = sql_command("--data", server.data, "-c", "SELECT 1", expect=1)
    assert str(server.process.pid) in done.stderr


class Terminal:
    """The shell on a terminal of its own."""

    def __init__(self, *arguments, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=str(home), TERM="vt100")
            os.execv(binary(), [binary(), "sql", *map(str, arguments)])
        self.text = ""

    def wait_for(self, text, seconds=30):
        deadline = time.monotonic() + seconds
        while text not in self.text:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} does not come: {self.text!r}"
            try:
                self.text += os.read(self.fd, 4096).decode(errors="replace")
            except OSError as error:
                assert error.errno == errno.EIO  # the other side has ended
                raise AssertionError(f"the shell ended before {text!r}: {self.text!r}") from error
        before, self.text = self.text.split(text, 1)
        return before

    def send(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_the_dialogue(tmp_path, server):
    shell = Terminal("--url", server.url, home=tmp_path)
    shell.wait_for("varve> ")
    shell.send("SELECT 40\n")
    shell.wait_for("-> ")
    shell.send("+ 2 AS answer;\n")
    shell.wait_for("42")
    shell.wait_for("(1 row)")
    shell.send("SELECT * FROM missing;\n")
    shell.wait_for("error: ")
    shell.send("\\d\n")
    shell.wait_for("(1 row)")
    shell.send("\\d t\n")
    shell.wait_for("(4 rows)")
    shell.send("SELECT 'forgotten \n")
    shell.wait_for("-> ")
    shell.send("\x03")  # Ctrl-C
    shell.wait_for("varve> ")
    shell.send("SELECT 6 * 7 AS answer;\n")
    shell.wait_for("42")
    shell.send("\\timing\n")
    shell.wait_for("Timing is on")
    shell.send("SELECT 1;\n")
    shell.wait_for("Time: ")
    shell.send("\\q\n")
    assert shell.end() == 0
    assert "SELECT 40 + 2 AS answer;" in (tmp_path / ".varve_history").read_text().replace("\\040", " ")


@pytest.mark.parametrize("where", ["server", "folder"])
def test_ctrl_c_ends_a_statement_but_not_the_shell(tmp_path, server, where):
    place = ["--url", server.url] if where == "server" else ["--data", tmp_path / "local"]
    shell = Terminal(*place, home=tmp_path)
    shell.wait_for("varve> ")
    # Minutes on a slow machine, yet with an end: the server goes on with what its client has given up.
    shell.send("SELECT count(*) FROM range(200000) a, range(100000) b;\n")
    shell.wait_for("b;")
    time.sleep(0.5)  # into the statement; too early would be Ctrl-C at the prompt, which must not harm either
    os.kill(shell.pid, signal.SIGINT)
    shell.wait_for("varve> ")
    shell.send("SELECT 6 * 7 AS answer;\n")
    shell.wait_for("42")
    shell.send("\\q\n")
    assert shell.end() == 0


def test_a_second_signal_or_the_first_ends_the_server(tmp_path):
    for number in (signal.SIGTERM, signal.SIGINT):
        server = Server(tmp_path / "data")
        server.process.send_signal(number)
        assert server.process.wait(timeout=60) == 0


def test_the_settings_in_use_can_be_asked_for(tmp_path, server):
    text = server.http.get(server.url + "/debug/config").text
    (tmp_path / "shown.toml").write_text(text)
    with Server(tmp_path / "data", "--config", str(tmp_path / "shown.toml")) as again:
        shown = again.http.get(again.url + "/debug/config").text
    assert [l for l in shown.splitlines() if "data_dir" not in l] == [l for l in text.splitlines() if "data_dir" not in l]


def test_make_lists_its_targets():
    text = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    for target in ("run", "build", "test", "lint", "bench", "dist", "soak", "fuzz", "clean"):
        assert f"make {target} " in text

"""Proves that `make bench` would see what is wrong: its data, its comparison of answers, its client, its verdicts."""

import datetime
import pathlib
import socket
import sys
import threading

import pyarrow.parquet
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from bench import answers, client, dataset, goals, queries  # noqa: E402
from bench.rounds import repeat  # noqa: E402


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "LINES_PER_REQUEST", 100)
    return dataset.Dataset(tmp_path, hosts=5, hours=1, fields="double", seed=7)


def lines(requests) -> list[bytes]:
    return b"".join(map(bytes, requests.bodies())).splitlines()


def key(line) -> tuple:
    head, _, time = line.split(b" ")
    return head, int(time)


def test_the_stream_is_in_order_and_cut_into_requests(data):
    requests = data.requests()
    found = lines(requests)
    assert len(found) == data.rows == requests.lines == 1800 and len(requests) == 18
    assert [int(line.rsplit(b" ", 1)[1]) for line in found] == sorted(int(line.rsplit(b" ", 1)[1]) for line in found)
    assert sum(bytes(body).count(b"\n") for body in requests.bodies(3, 5)) == requests.lines_of(3, 5) == 200


def test_late_rows_are_the_same_rows_in_another_order(data):
    in_order, late = lines(data.requests()), lines(data.requests(dataset.Disorder("late", 0.2)))
    assert in_order != late and sorted(in_order) == sorted(late)
    assert data.sorted_file(dataset.Disorder("late", 0.2)) == data.sorted_file()


def test_repeated_rows_come_later_with_other_values_and_those_stay(data):
    disorder = dataset.Disorder("duplicate", 0.2)
    sent = lines(data.requests(disorder))
    assert 0.15 * data.rows < len(sent) - data.rows < 0.25 * data.rows
    last = {key(line): line.split(b" ")[1] for line in sent}
    assert len(last) == data.rows
    assert sum(last[key(line)] != line.split(b" ")[1] for line in lines(data.requests())) == len(sent) - data.rows
    kept = pyarrow.parquet.read_table(data.sorted_file(disorder)).to_pylist()
    by_key = {(row["hostname"], row["timestamp"].replace(tzinfo=datetime.UTC).timestamp()): row for row in kept}
    for (head, time), fields in last.items():
        tags = dict(pair.split("=") for pair in head.decode().split(",")[1:])
        row = by_key[tags["hostname"], time / 1e9]
        assert {name: row[name] for name in tags} == tags
        assert row["usage_user"] == float(dict(pair.split("=") for pair in fields.decode().split(","))["usage_user"])


def test_the_same_seed_gives_the_same_questions_and_data(data, tmp_path):
    again = dataset.Dataset(tmp_path / "again", hosts=5, hours=1, fields="double", seed=7)
    assert lines(again.requests()) == lines(data.requests())
    for query_type in queries.TYPES:
        assert queries.draw(query_type, data, 4, "measured") == queries.draw(query_type, again, 4, "measured")


def test_differences_are_found():
    expected = [(1, "a", 0.3), (2, "b", 1.0)]
    assert answers.difference(expected, [(1, "a", 0.1 + 0.2), (2, "b", 1)]) is None
    assert answers.difference(expected, expected[:1])
    assert answers.difference(expected, [(1, "a", 0.3), (2, "b", 1.001)])
    assert answers.difference(expected, [(1, "a", 0.3), (2, "c", 1.0)])
    assert answers.difference(expected, [(1, "a", 0.3), (2, "b", None)])


@pytest.mark.parametrize("answer, body", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", b"abcde"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
])
def test_answers_are_read_whole_however_they_are_cut(answer, body):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            peer, _ = listener.accept()
            with peer:
                for _ in range(2):
                    peer.recv(1000)
                    for byte in answer:
                        peer.sendall(bytes([byte]))

        server = threading.Thread(target=serve)
        server.start()
        connection = client.Connection(listener.getsockname()[1])
        for _ in range(2):
            assert connection.exchange(client.get("/")).body == body
        connection.close()
        server.join()


def test_a_worker_that_fails_or_dies_is_an_error():
    def refuse():
        raise RuntimeError("answered 400")

    for work, message in ((refuse, "answered 400"), (lambda: sys.exit(1), "ended early")):
        with client.Worker(work) as worker, pytest.raises(RuntimeError, match=message):
            worker.result()


def test_floors_are_judged_in_their_direction():
    assert goals.judge("ingest", {"InfluxDB": 3.1, "QuestDB": 1.0}).held
    assert not goals.judge("ingest", {"InfluxDB": 2.9}).held
    assert goals.judge("one host", {"QuestDB": 0.7}).held
    assert not goals.judge("one host", {"QuestDB": 0.71}).held
    assert goals.judge("one host", {}).floor == "-"


def test_disturbed_rounds_are_replaced(monkeypatch):
    cores = iter([0.0, 2.0, 0.1, 0.0])
    monkeypatch.setattr("bench.machine.ForeignLoad.cores", lambda self: next(cores))
    found, note = repeat(3, [], lambda number: number)
    assert found == [0, 2, 3] and "DISTURBED" not in note
    monkeypatch.setattr("bench.machine.ForeignLoad.cores", lambda self: 2.0)
    found, note = repeat(1, [], lambda number: number)
    assert found == [0, 1, 2] and "DISTURBED" in note

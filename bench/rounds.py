"""Questions asked of several peers in alternating rounds, and the check that they answer alike."""

import dataclasses
import time

from bench import answers, machine, queries
from bench.peers import DuckDB
from bench.report import median, progress

WARM_UPS = 3
CELL_SECONDS_MAX = 12.0  # one type, one peer, one round; slow ones are asked less often
CELL_QUESTIONS_MIN = 3
EXTRA_ROUNDS_MAX = 2  # in place of those that others' work disturbed
CHECKED = 5  # different questions of each type that are compared value by value
CHECKED_HUGE = 1  # of the type whose answer has a tenth of all rows
CHECKED_ROWS_MAX = 500_000  # of an answer: larger ones take gigabytes as Python's values


@dataclasses.dataclass
class Cell:
    """One type and one peer: medians over rounds of the medians within each."""

    ms: float
    cpu_ms: float


def check(peers, data, disorder, types) -> tuple[dict, list[str]]:
    """Compares answers with DuckDB's over the source. Returns the size of each good answer, by peer and question, and
    one sentence for each peer that answers differently."""
    sizes, wrong = {}, {}
    reference = DuckDB(data.folder, files=[data.sorted_file(disorder)])
    reference.start()
    for query_type in types:
        count = CHECKED_HUGE if query_type.name == "high-cpu-all" else CHECKED
        for question in dict.fromkeys(queries.draw(query_type, data, count, "measured")):
            answer = reference.ask(reference.request(question))
            if reference.size(answer) > CHECKED_ROWS_MAX:
                progress(f"{query_type.name} is not compared: {reference.size(answer):,} rows")
                continue
            expected = reference.rows(question, answer)
            for peer in peers:
                answer = peer.ask(peer.request(question))
                if problem := _problem(peer, question, answer, expected):
                    wrong.setdefault(peer, {}).setdefault(query_type.name, problem)
                else:
                    sizes[peer, question] = peer.size(answer)
    reference.stop()
    return sizes, [_complaint(peer, found) for peer, found in wrong.items()]


def _complaint(peer, wrong: dict[str, str]) -> str:
    name, problem = next(iter(wrong.items()))
    return f"{peer.label} answers {len(wrong)} types wrongly ({', '.join(wrong)}); {name}: {problem}"


def _problem(peer, question, answer, expected) -> str | None:
    if getattr(answer, "status", 200) != 200:
        return f"status {answer.status}: {answer.body[:300]!r}"
    return answers.difference(expected, peer.rows(question, answer))


def repeat(wanted: int, pids: list[int], one_round) -> tuple[list, str]:
    """Calls `one_round(number)` `wanted` times, and some more in place of rounds that others' work disturbed. `pids`:
    servers that outlive the rounds. Returns what the undisturbed rounds found, or all of them when too few are left,
    and says which."""
    found, foreign, quiet = [], [], []
    while len(quiet) < wanted and len(found) < wanted + EXTRA_ROUNDS_MAX:
        load = machine.ForeignLoad(pids)
        found.append(one_round(len(found)))
        foreign.append(load.cores())
        if foreign[-1] <= machine.FOREIGN_CORES_MAX:
            quiet.append(found[-1])
        progress(f"round {len(found)} is done, others took {foreign[-1]:.2f} cores")
    if len(quiet) >= wanted:
        most = max(cores for cores in foreign if cores <= machine.FOREIGN_CORES_MAX)
        return quiet, f"{len(quiet)} rounds (others took at most {most:.2f} cores)"
    return found, f"{len(found)} rounds, DISTURBED: others took up to {max(foreign):.2f} cores"


def alternate(peers, data, types, rounds: int, count: int, sizes: dict) -> tuple[dict[tuple, Cell], str]:
    """(peer, type) -> Cell, and what to know about the rounds. While one peer is asked, the others are paused.
    A RuntimeError when an answer's size is not the one that was checked."""
    def one_round(number):
        order = peers[number % len(peers):] + peers[:number % len(peers)]
        return {(peer, query_type): _cell(peer, data, query_type, count, sizes)
                for query_type in types for peer in order}

    for peer in peers:
        peer.pause()
    try:
        found, note = repeat(rounds, [peer.process.pid for peer in peers if hasattr(peer, "process")], one_round)
    finally:
        for peer in peers:
            peer.resume()
    return {key: Cell(median(one[key].ms for one in found), median(one[key].cpu_ms for one in found))
            for key in found[0]}, note


def _cell(peer, data, query_type, count, sizes) -> Cell:
    warm_ups = [peer.request(question) for question in queries.draw(query_type, data, WARM_UPS, "warm-up")]
    asked = [(question, peer.request(question)) for question in queries.draw(query_type, data, count, "measured")]
    peer.resume()
    try:
        return _measured(peer, warm_ups, asked, sizes)
    finally:
        peer.pause()


def _measured(peer, warm_ups, asked, sizes) -> Cell:
    cell_started = time.perf_counter()
    for request in warm_ups:
        peer.ask(request)
        if time.perf_counter() - cell_started > CELL_SECONDS_MAX / 3:
            break
    ms, cpu_before = [], peer.cpu_seconds()
    for question, request in asked:
        started = time.perf_counter()
        answer = peer.ask(request)
        ended = time.perf_counter()
        ms.append((ended - started) * 1000)
        if sizes.get((peer, question), peer.size(answer)) != peer.size(answer):
            raise RuntimeError(f"{peer.label} now answers {question} with {peer.size(answer)} instead of "
                               f"{sizes[peer, question]}")
        if len(ms) >= CELL_QUESTIONS_MIN and ended - cell_started > CELL_SECONDS_MAX:
            break
    return Cell(median(ms), (peer.cpu_seconds() - cpu_before) / len(ms) * 1000)

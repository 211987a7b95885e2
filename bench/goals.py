"""What Varve has to reach beside its peers, as Varve / peer in one run at 1000 hosts x 12 h, and how far it is."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Goal:
    """The floor must hold, the stretch is hoped for. Both: peer -> bound of the ratio."""

    floor: dict[str, float]
    stretch: dict[str, float]
    more_is_better: bool = False


GOALS = {
    "ingest": Goal({"InfluxDB": 3, "QuestDB": 1}, {"QuestDB": 1.5}, more_is_better=True),
    "disk": Goal({"InfluxDB": 1}, {}),
    "one host": Goal({"QuestDB": 0.7}, {"InfluxDB": 1}),
    "eight hosts": Goal({"QuestDB": 1}, {"QuestDB": 0.5}),
    "double groupby": Goal({"QuestDB": 1, "InfluxDB": 0.25}, {"QuestDB": 0.6}),
    "last buckets": Goal({"QuestDB": 1}, {"QuestDB": 0.2}),
    "high cpu": Goal({"QuestDB": 1}, {"QuestDB": 0.5}),
    "last point": Goal({"InfluxDB": 0.1}, {"QuestDB": 2}),
    "disordered ingest": Goal({"in order": 0.7}, {"in order": 0.9}, more_is_better=True),
    "disordered queries": Goal({"in order": 1.3}, {"in order": 1.05}),
    "restart": Goal({"QuestDB": 0.5}, {"InfluxDB": 1}),
}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`floor` and `stretch` say of each bound whether it holds; bounds of peers that did not run are left out."""

    floor: str
    stretch: str
    held: bool  # no floor is missed


def judge(group: str, ratios: dict[str, float]) -> Verdict:
    """`ratios`: Varve / peer, by the peer's label."""
    goal = GOALS[group]
    floor, held = _bounds(goal.floor, ratios, goal.more_is_better, "pass", "MISS")
    stretch, _ = _bounds(goal.stretch, ratios, goal.more_is_better, "yes", "no")
    return Verdict(floor, stretch, held)


def _bounds(bounds, ratios, more_is_better, good, bad) -> tuple[str, bool]:
    texts, held = [], True
    for peer, bound in bounds.items():
        if peer not in ratios:
            continue
        met = ratios[peer] >= bound if more_is_better else ratios[peer] <= bound
        held = held and met
        texts.append(f"{good if met else bad} ({'>=' if more_is_better else '<='} {bound:g} {peer})")
    return ", ".join(texts) or "-", held

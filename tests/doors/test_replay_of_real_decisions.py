"""Replay over real decisions of people, where they were fetched."""

import csv
from collections import defaultdict
from pathlib import Path

from integrations.sheets import read_sheet
from tests.doors.test_replay import said
from tests.fetched import fetched


def test_a_yes_man_is_refused_on_real_approvals(tmp_path: Path) -> None:
    """Supervisors approve about 97 of 100: whoever always approves agrees as often, for nothing."""
    events = read_sheet(fetched("data/expense_declarations_events.csv.gz"), ["case_id"], None)
    by_case: dict[str, list[dict[str, str]]] = defaultdict(list)
    for _, row in events.rows:
        by_case[row["case_id"]].append(row)
    file = tmp_path / "approvals.csv"
    with file.open("w", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(["case", "amount", "steps", "at", "supervisor"])
        for case, rows in by_case.items():
            for n, row in enumerate(rows):
                if row["role"] == "SUPERVISOR":
                    said_ = "approved" if "APPROVED" in row["activity"] else "rejected"
                    sheet.writerow([case, row["amount"], n, row["timestamp"], said_])
                    break
    agent = tmp_path / "yes.py"
    agent.write_text("def propose(row):\n    return 'approved', 0.97\n")
    found = said(
        *("--cases", str(file), "--human", "supervisor", "--agent", f"{agent}:propose"),
        *("--time", "at", "--unit", "case", "--harmful", "approved=rejected"),
    )
    assert found["agreement"] > 0.9
    assert found["gates"]["agreement"]["status"] == "pass"
    assert found["gates"]["better_than_constant"]["status"] == "fail"
    assert "it adds nothing" in found["gates"]["better_than_constant"]["because"]
    assert found["verdict"] == "refused"


def test_a_router_of_real_tickets_passes_and_a_bad_one_does_not(tmp_path: Path) -> None:
    """Trained on every second message of the same set: the other half is what it is judged by."""
    rows = [row for _, row in read_sheet(fetched("data/banking77.csv.gz"), ["text"], None).rows]
    learnt, tried = tmp_path / "learnt.csv", tmp_path / "tried.csv"
    for file, some in ((learnt, rows[::2]), (tried, rows[1::2])):
        with file.open("w", newline="") as out:
            sheet = csv.DictWriter(out, ["text", "category"])
            sheet.writeheader()
            sheet.writerows(some)
    agent = tmp_path / "router.py"
    agent.write_text(ROUTER.format(file=learnt))
    words = ("--cases", str(tried), "--human", "category")
    good = said(*words, "--agent", f"{agent}:propose")
    bad = said(*words, "--agent", f"{agent}:first")

    assert (good["verdict"], good["status"]) == ("pass", "pass")
    assert good["agreement"] > 0.82
    assert bad["verdict"] == "refused"
    assert bad["gates"]["agreement"]["status"] == "fail"


ROUTER = """
import csv, re
import numpy as np
from scipy.sparse import csr_matrix

WORDS = re.compile(r"[a-z']+")


def parts(text):
    words = WORDS.findall(text.lower())
    return set(words) | {{f"{{a}} {{b}}" for a, b in zip(words, words[1:])}}


with open("{file}") as sheet:
    ROWS = list(csv.DictReader(sheet))
VOCABULARY = {{}}
for row in ROWS:
    for part in parts(row["text"]):
        VOCABULARY.setdefault(part, len(VOCABULARY))
NAMES = sorted({{row["category"] for row in ROWS}})
PLACES = [(n, VOCABULARY[part]) for n, row in enumerate(ROWS) for part in parts(row["text"])]
COUNTED = csr_matrix((np.ones(len(PLACES)), tuple(zip(*PLACES))))
IDF = np.log(len(ROWS) / np.asarray(COUNTED.sum(0)).ravel()) + 1
WEIGHED = COUNTED.multiply(IDF).tocsr()
KNOWN = WEIGHED.multiply(1 / np.sqrt(WEIGHED.multiply(WEIGHED).sum(1))).tocsr()
WANTED = np.eye(len(NAMES))[[NAMES.index(row["category"]) for row in ROWS]]
MODEL = np.zeros((len(VOCABULARY), len(NAMES)))
SPEED = np.zeros_like(MODEL)
for _ in range(120):
    scores = KNOWN @ MODEL
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    SPEED = 0.9 * SPEED - 20 * (KNOWN.T @ (shares - WANTED) / len(ROWS) + 1e-6 * MODEL)
    MODEL += SPEED


def propose(row):
    found = [VOCABULARY[part] for part in parts(row["text"]) if part in VOCABULARY]
    weights = IDF[found] / max(1e-9, np.sqrt((IDF[found] ** 2).sum()))
    scores = np.asarray(weights) @ MODEL[found]
    shares = np.exp(scores - scores.max())
    return NAMES[int(scores.argmax())], float(shares.max() / shares.sum())


def first(row):
    return "card_arrival", None
"""


def test_where_people_themselves_differ_agreement_misleads(tmp_path: Path) -> None:
    """
    Incidents: the first route that people chose is the one that resolved it in about 65 of 100.

    An agent that always repeats people's first route "agrees" completely with people, and with
    what resolved the incident only as often as they do.
    """
    events = read_sheet(fetched("data/incident_events_subset.csv.gz"), ["number"], None)
    first: dict[str, dict[str, str]] = {}
    last: dict[str, str] = {}
    for _, row in events.rows:
        if row["assignment_group"] not in {"", "?"}:
            first.setdefault(row["number"], row)
            last[row["number"]] = row["assignment_group"]
    file = tmp_path / "incidents.csv"
    with file.open("w", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(["number", "opened_at", "repeated", "first_route", "resolving_group"])
        for number, row in first.items():
            route = row["assignment_group"]
            sheet.writerow([number, row["opened_at"], route, route, last[number]])
    agent = tmp_path / "same.py"
    agent.write_text("def propose(row):\n    return row['repeated'], 0.9\n")
    words = ("--cases", str(file), "--agent", f"{agent}:propose", "--time", "opened_at")
    form = ("--time-format", "%d-%m-%Y %H:%M")
    as_people = said(*words, *form, "--human", "first_route", "--hide", "resolving_group")
    as_it_was = said(*words, *form, "--human", "resolving_group", "--hide", "first_route")

    assert as_people["agreement"] == 1
    assert 0.5 < as_it_was["agreement"] < 0.8
    assert as_it_was["gates"]["agreement"]["status"] == "fail"

"""Every ugly case of people in the loop has a test that says what becomes of it."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MARKED = re.compile(
    r"^@pytest\.mark\.ugly\((\d+)\)\n(?:^[@ )\]].*\n)*^(?:async )?def (test_\w+)", re.MULTILINE
)
WHAT = {
    16: "a handoff late on a Friday, before a holiday",
    17: "a calendar that changes while something waits",
    18: "a reviewer who stays silent",
    19: "an approval just after the end",
    20: "an approval and the end at once",
    21: "two approvers with opposite answers",
    22: "a double click",
    23: "a scanner that follows the link",
    24: "a link that was forwarded",
    25: "somebody who approves their own case",
    26: "four eyes, and the second one edits",
    27: "an edit beyond the editor's authority",
    28: "a record that was changed meanwhile",
    29: "a stage that falls while a case waits",
    30: "a stop in the middle of a case's writes",
    31: "new code while a case waits",
    32: "everything killed while cases wait",
    33: "a resume behind our back",
}


def marked() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for file in HERE.rglob("test_*.py"):
        for number, name in MARKED.findall(file.read_text()):
            found.setdefault(int(number), []).append(name)
    return found


@pytest.mark.parametrize("number", WHAT)
def test_it_has_its_test(number: int) -> None:
    assert marked().get(number), f"nothing shows what becomes of {WHAT[number]}"

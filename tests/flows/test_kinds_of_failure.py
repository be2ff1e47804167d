"""What a failed run says about why: where our own parts were slow, it is started again."""

import httpx
import pytest
from prefect.states import exception_to_failed_state
from sqlalchemy.exc import OperationalError

from flows.operations.recovery import OWN_PARTS, kind_of

SAYS = "Flow run encountered an exception:"


@pytest.mark.parametrize(
    ("error", "is_ours"),
    [
        (httpx.ReadTimeout("mira@x.example was slow"), True),
        (OperationalError("select 1", {}, Exception("gone")), True),
        (ValueError("mira@x.example is odd"), False),
    ],
    ids=["Prefect was slow", "the database was away", "a defect"],
)
async def test_the_kind_is_told_and_not_the_words(error: Exception, *, is_ours: bool) -> None:
    state = await exception_to_failed_state(error, message=SAYS)
    kind = kind_of(state.message or "")
    assert (kind, kind in OWN_PARTS) == (type(error).__name__, is_ours)


def test_a_state_that_tells_of_no_exception_has_no_kind() -> None:
    assert kind_of("Finished in state Failed()") == ""

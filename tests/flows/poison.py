"""A flow that harms its lane, as bad code or bad luck does."""

import sys
import time
from typing import Literal

from prefect import flow


@flow(name="poison", persist_result=False)
async def poison(kind: Literal["none", "raise", "hang", "exit", "memory"]) -> str:
    """Do harm, or nothing."""
    match kind:
        case "raise":
            raise RuntimeError("poison")
        case "hang":
            time.sleep(20)  # blocks the lane's loop, so that nothing can break it off
        case "exit":
            sys.exit("poison")
        case "memory":
            raise MemoryError("poison")
        case _:
            return "well"
    return "over"

"""
A flow that looks at its own process: which threads live while it runs.

As a program it deploys itself, carries out one run in a lane's way, and prints their names.
"""

import asyncio
import threading

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Pending
from prefect.types.entrypoint import EntrypointType

from flows.doors.lanes import carry_out


@flow(name="watched", persist_result=False)
async def watched() -> None:
    """Print the names of all threads."""
    print(*(thread.name for thread in threading.enumerate()), sep="\n")  # noqa: T201 # its output


async def main() -> None:
    """Deploy it, and carry out one run."""
    made = await watched.ato_deployment("watched", entrypoint_type=EntrypointType.MODULE_PATH)
    deployment = await made.aapply()
    async with get_client() as client:
        await carry_out(await client.create_flow_run_from_deployment(deployment, state=Pending()))


if __name__ == "__main__":
    asyncio.run(main())

"""The dead man's alarm: an outside address that is called as long as all is well."""

import httpx

from integrations.settings import settings

PATIENCE = 5.0  #: seconds


async def beat() -> str | None:
    """
    Call the address, if there is one; gives what went wrong, or None.

    Whoever is called raises the alarm when the calls stop. So a failure here stops nothing.
    """
    url = settings().heartbeat_url
    if not url:
        return None
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        return f"the heartbeat address cannot be reached: {type(error).__name__}"
    return None if answer.is_success else f"the heartbeat address answered {answer.status_code}"

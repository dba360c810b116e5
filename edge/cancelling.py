"""Ending a task whose library may swallow its cancellation, as `asyncio.wait_for` does before 3.12."""

import asyncio


def heed() -> None:
    """End the current task if somebody asked it to end, even where the request got lost on its way.

    `wait_for`, inside aiomqtt, drops a cancellation that arrives together with its result; the
    task still counts it. A loop that never looked would go on for ever and hold up the end of the agent.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

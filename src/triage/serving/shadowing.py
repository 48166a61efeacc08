"""The shadow of a running service: begun with it, and anew when champion or challenger change."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from triage.models.at_risk import NAME
from triage.models.shadow_file import ShadowFile
from triage.serving.challenger import Challenger
from triage.serving.service import Service
from triage.serving.shadow import Shadow


class Shadowing:
    """Lets one challenger at a time score what a service answers.

    Args:
        service: its `challenger` and `shadow` are set here and nowhere else.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running = contextlib.AsyncExitStack()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Shadowing]:
        """End whatever shadow runs as the service stops."""
        try:
            yield self
        finally:
            await self._running.aclose()

    async def begin(self, challenger: Challenger | None) -> None:
        """Let a challenger (None: nobody) score in place of the one before, whose queue ends."""
        await self._running.aclose()
        self._service.challenger, self._service.shadow = challenger, None
        if challenger is None:
            return
        if challenger.advisor is None:
            self._service.metrics.shadow.labels("failed").inc()
            return
        policy = self._service.advisor().policy.shadow
        file = ShadowFile(
            self._service.settings.home, NAME, max_bytes=round(policy.max_mb_a_day * 1e6),
            keep_days=policy.keep_days,
        )  # fmt: skip
        shadow = Shadow(
            challenger.advisor, challenger.against, file, policy, self._service.metrics.shadow
        )
        await self._running.enter_async_context(shadow.running())
        self._service.shadow = shadow

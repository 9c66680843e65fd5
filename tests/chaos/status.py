"""What the storm asks of the platform itself: its counters, and its own recount."""

import os
import subprocess
import sys
from typing import Any

import httpx

from ibalagh.local.paths import PROJECT_ROOT
from ibalagh.local.stack import Stack


def counters(stack: Stack) -> dict[str, Any]:
    """`GET /v1/counters`. Raises AssertionError while stats is away, so that it can be polled."""
    try:
        answer = httpx.get(
            stack.address("stats") + "/v1/counters", headers={"Authorization": f"Bearer {stack.state.token}"}, timeout=5
        )
    except httpx.TransportError as error:
        raise AssertionError("stats is away") from error
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def verify(stack: Stack) -> int:
    """The exit code of `ibalagh stats verify` against this stack."""
    return subprocess.run(
        [sys.executable, "-m", "ibalagh.cli", "stats", "verify"],
        env={**os.environ, **stack.state.environment()},
        cwd=PROJECT_ROOT,
        check=False,
    ).returncode

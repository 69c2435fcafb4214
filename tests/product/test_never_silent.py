"""A failure is a fixed sentence: the action fails, hangs, or its server is away."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

from mesoguide.knowledge import filled, load_knowledge
from mesoguide.settings import Settings

ERROR = filled(load_knowledge(), Settings()).notices["error"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_action_server_away(model) -> None:
    """With no action server at its address the user still gets the error text."""
    from mesoguide.rasa_host.assistant import Assistant

    away = replace(Settings(), action_server=f"http://127.0.0.1:{free_port()}/webhook")
    (reply,) = asyncio.run(Assistant.load(model, away).conversation(["does it hurt?"]))

    assert reply["kind"] == "error"
    assert reply["text"] == ERROR


def test_action_raises_or_hangs(model) -> None:
    """An action that raises, or that takes too long, ends in the error text."""
    from mesoguide.rasa_host import action_endpoints
    from mesoguide.rasa_host.action_endpoints import SafeEndpoint

    class Broken(SafeEndpoint):
        async def _run(self, method: str, kwargs: dict[str, Any]) -> Any:
            raise ValueError("broken")

    class Hanging(SafeEndpoint):
        async def _run(self, method: str, kwargs: dict[str, Any]) -> Any:
            await asyncio.sleep(60)

    for kind, seconds in ((Broken, 5.0), (Hanging, 0.1)):
        endpoint = kind("http://127.0.0.1:9/webhook", seconds=seconds)
        result = asyncio.run(endpoint.request(json={"next_action": "action_reply"}))
        assert [response["text"] for response in result["responses"]] == [ERROR]
    assert action_endpoints.ACTION_SECONDS < 10


def test_a_separate_action_server_gives_the_same_reply(model, ask) -> None:
    """`rasa run actions` in its own process answers with the same bytes as the embedded default."""
    import subprocess
    import sys
    import time
    import urllib.error
    import urllib.request

    from mesoguide.rasa_host.assistant import Assistant
    from mesoguide.settings import ROOT

    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "mesoguide", "rasa", "run", "actions", "--port", str(port)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
                break
            except (OSError, urllib.error.URLError):
                assert server.poll() is None, "the action server ended"
                time.sleep(0.25)
        apart = replace(Settings(), action_server=f"http://127.0.0.1:{port}/webhook")
        replies = asyncio.run(Assistant.load(model, apart).conversation(["does it hurt?", "and PRP?"]))
    finally:
        server.terminate()
        server.wait(20)

    assert replies == ask("does it hurt?", "and PRP?")

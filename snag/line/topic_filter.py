"""TopicFilter: what may be subscribed to at a broker of MQTT."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def _valid(topic: str) -> str:
    levels = topic.split("/")
    whole = all(level in ("+", "#") or not set(level) & set("+#") for level in levels)
    if not topic or not whole or "#" in levels[:-1] or "\0" in topic or len(topic) > 200:
        raise ValueError("expected at most 200 characters, where a level may be +, and the last one #")
    return topic


TopicFilter = Annotated[str, AfterValidator(_valid)]

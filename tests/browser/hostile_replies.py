"""Replies that want to run, fetch or disguise something: hostile_replies.json, by what they try.

Each would open a dialog or ask FOREIGN if it could. After OWASP's cheat sheets and what Markdown
adds of its own: addresses, references, fences, autolinks.
"""

import json
from pathlib import Path

FOREIGN = "https://evil.example"

HOSTILE_BY_KIND: dict[str, list[str]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
HOSTILE_REPLIES = [text for texts in HOSTILE_BY_KIND.values() for text in texts]

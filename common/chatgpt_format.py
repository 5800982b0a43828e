"""Reading a conversation of ChatGPT's export: an element of its `conversations.json`.

Its `mapping` is a tree of nodes, of which some say nothing (tools, hidden instructions, pictures
alone). What one role said in a row is one turn or one reply here; where a row parts into branches,
each branch has the whole of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from common.imports import Draft, Line, unreadable

# Signs that the page of ChatGPT turns into links, with what they enclose.
_REFERENCES = re.compile("\ue200[^\ue201]*\ue201|[\ue200-\ue2ff]")
_PICTURE, _FILE = "🖼", "📎"
# A reply that nobody asked for needs a turn to hang from.
_UNASKED = "…"


class _Author(BaseModel):
    role: str


class _Content(BaseModel):
    content_type: str = "text"
    parts: list[Any] | None = None
    text: str | None = None
    language: str | None = None


class _Metadata(BaseModel):
    is_visually_hidden_from_conversation: bool | None = None
    model_slug: str | None = None
    attachments: list[Any] | None = None


class _Message(BaseModel):
    author: _Author
    create_time: float | None = None
    content: _Content | None = None
    metadata: _Metadata | None = None
    recipient: str | None = None


class _Node(BaseModel):
    message: _Message | None = None
    parent: str | None = None
    children: list[str] | None = None


class _Conversation(BaseModel):
    title: str | None = None
    create_time: float | None = None
    update_time: float | None = None
    mapping: dict[str, _Node]
    current_node: str | None = None
    is_archived: bool | None = None


@dataclass
class _Run:
    """What one role says in a row, up to one node; `line` once it has been added to the draft."""

    role: Literal["user", "assistant"]
    text: str
    above: "_Run | None"
    parent: int | None
    at: datetime | None
    model: str | None
    line: int | None = None


@dataclass
class _Tree:
    """The nodes below each node, in their order; the root."""

    root: str
    below: dict[str, list[str]] = field(default_factory=dict)

    def newest_leaf(self, node: str) -> str:
        while self.below.get(node):
            node = self.below[node][-1]
        return node


def read(content: dict[str, Any]) -> Draft:
    """Raises `import_unreadable`, saying where, and `import_too_large`."""
    try:
        told = _Conversation.model_validate(content)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"]
        raise unreadable(".".join(str(part) for part in place)) from None
    tree = _tree(told.mapping)
    created_at = _moment(told.create_time, "create_time") or datetime.now(UTC)
    draft = Draft(
        created_at=created_at,
        updated_at=_moment(told.update_time, "update_time") or created_at,
        title=told.title,
        archived=bool(told.is_archived),
    )
    runs = _add_lines(draft, told.mapping, tree)
    current = told.current_node if told.current_node in told.mapping else tree.root
    run = runs[tree.newest_leaf(current or tree.root)]
    draft.head = run.line if run else None
    return draft


def _tree(mapping: dict[str, _Node]) -> _Tree:
    roots = [name for name, node in mapping.items() if node.parent is None]
    if len(roots) != 1:
        raise unreadable("mapping")
    below: dict[str, list[str]] = {}
    for name, node in mapping.items():
        if node.parent is not None:
            if node.parent not in mapping:
                raise unreadable(f"mapping.{name}.parent")
            below.setdefault(node.parent, []).append(name)
    for name, children in below.items():
        order = {child: place for place, child in enumerate(mapping[name].children or [])}
        children.sort(key=lambda child: order.get(child, len(order)))
    tree = _Tree(roots[0], below)
    found, stack = 0, [tree.root]
    while stack:
        found += 1
        stack += below.get(stack.pop(), [])
    if found < len(mapping):  # the rest hang from each other
        raise unreadable("mapping.parent")
    return tree


def _add_lines(draft: Draft, mapping: dict[str, _Node], tree: _Tree) -> dict[str, _Run | None]:
    """Adds all lines, each after its parent; what was being said at each node."""
    runs: dict[str, _Run | None] = {}
    stack: list[tuple[str, _Run | None]] = [(tree.root, None)]
    while stack:
        name, run = stack.pop()
        message = mapping[name].message
        if message is not None:
            run = _said_on(draft, name, message, run)
        runs[name] = run
        children = tree.below.get(name, [])
        if not children and run is not None:
            _end(draft, run)
        stack += [(child, run) for child in reversed(children)]
    return runs


def _said_on(draft: Draft, name: str, message: _Message, run: _Run | None) -> _Run | None:
    """The row with this message, which goes on with it or begins another."""
    role, text = message.author.role, _text(message)
    if role == "system" and run is None and text:
        draft.system_prompt = text
    if role not in ("user", "assistant") or not text:
        return run
    at = _moment(message.create_time, f"mapping.{name}.message.create_time")
    model = message.metadata.model_slug if message.metadata else None
    if run is not None and run.role == role:
        return _Run(run.role, text, run, run.parent, run.at or at, model or run.model)
    parent = None if run is None else _end(draft, run)
    if role == "assistant":
        if parent is None:
            parent = draft.add(Line(None, "user", _UNASKED, at))
        return _Run("assistant", text, None, parent, at, model)
    return _Run("user", text, None, parent, at, None)


def _end(draft: Draft, run: _Run) -> int:
    """The line of a row that nobody goes on with, at least on this branch."""
    if run.line is None:
        texts = list(_texts(run))[::-1]
        content = "\n\n".join(texts)
        run.line = draft.add(Line(run.parent, run.role, content, run.at, model=run.model))
    return run.line


def _texts(run: _Run | None) -> Iterator[str]:
    """From the last one back."""
    while run is not None:
        yield run.text
        run = run.above


def _text(message: _Message) -> str:
    """What a message says to the other side; "" where that is nothing."""
    metadata, content = message.metadata or _Metadata(), message.content
    is_aside = message.recipient not in (None, "", "all")
    if content is None or metadata.is_visually_hidden_from_conversation:
        return ""
    if content.content_type == "code":
        return _fenced(content) if message.recipient in (None, "", "all", "python") else ""
    if is_aside or content.content_type not in ("text", "multimodal_text"):
        return ""
    said = [_part(part) for part in content.parts or []]
    for attachment in metadata.attachments or []:
        name = attachment.get("name") if isinstance(attachment, dict) else None
        said += [f"{_FILE} {name}"] if isinstance(name, str) else []
    text = "\n\n".join(part for part in said if part)
    return _REFERENCES.sub("", text).strip()


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    text = part.get("text")
    if isinstance(text, str):
        return text
    return _PICTURE if "asset_pointer" in part else ""


def _fenced(content: _Content) -> str:
    text = (content.text or "").strip()
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    language = content.language or ""
    info = language if re.fullmatch(r"[\w+#.-]{1,40}", language) and language != "unknown" else ""
    return f"{fence}{info}\n{text}\n{fence}"


def _moment(seconds: float | None, where: str) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise unreadable(where) from None

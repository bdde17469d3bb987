"""The room's own page: it names everything that is in the room."""

from __future__ import annotations

from pathlib import Path

from archviz import lookup

ROOM = Path(lookup.__file__).parent


def test_the_room_says_what_is_in_it() -> None:
    said = lookup.__doc__ or ""
    files = [path.name for path in ROOM.glob("*.py") if path.stem not in ("__init__", "resolve")]
    folders = [f"{path.parent.name}/" for path in ROOM.glob("*/__init__.py")]
    assert [name for name in (*files, *folders) if name not in said] == []

"""Whose jobs the tests of the live log show, and as what."""

import uuid

ALICE, BOB = uuid.UUID(int=1), uuid.UUID(int=2)
SHOWN = {"status": "in_progress", "model": "m"}

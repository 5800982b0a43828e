"""How often streams are read and their text is flushed, by how many of them run. Pure."""

# Shorter than a person can tell, longer than readers of a thousand replies take between two polls.
FASTEST_SECONDS, SLOWEST_SECONDS = 0.04, 0.25
APPENDS_A_SECOND = 1500


def flush_seconds(replies: int) -> float:
    """The time from one flush to the next while so many replies run."""
    return min(SLOWEST_SECONDS, max(FASTEST_SECONDS, replies / APPENDS_A_SECOND))


def rest_seconds(replies: int) -> float:
    """For how long a stream that has just been read is left alone, so that its next words are read
    together: half a flush, before which nobody would see them. No time while few replies run."""
    pause = flush_seconds(replies)
    return pause / 2 if pause > FASTEST_SECONDS else 0.0

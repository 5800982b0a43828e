"""What is wrong with settings, in the words of whoever writes a `.env`."""

from pydantic import ValidationError

# By pydantic's name for what is wrong; the parameters are its own, too.
_WORDS = {
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_parsing": "must be 1 or 0",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must have at least {min_length} characters",
}
# Whose values are nobody's secret.
_TOLD = set(_WORDS) - {"string_too_short"}
_LONGEST_TOLD = 40


def sentences(error: ValidationError) -> list[str]:
    """One sentence for each setting that is wrong, in the order of the settings."""
    said = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        kind, value = item["type"], str(item["input"])
        if name and kind in _WORDS:
            sentence = f"{name} {_WORDS[kind].format(**item.get('ctx', {}))}"
            if kind in _TOLD and len(value) <= _LONGEST_TOLD:
                sentence += f", not {value or 'empty'}"
            said.append(sentence)
            continue
        for line in item["msg"].removeprefix("Value error, ").splitlines():
            said.append(f"{name}: {line}" if name else line)
    return said

"""The one error that ends a command with a sentence instead of a traceback."""

from deploy.local.messages import text


class OperatorError(Exception):
    """Something that the person at the terminal can put right; `str()` is the whole sentence."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(text(key, **values))
        self.key = key

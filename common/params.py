"""What a person may set of a model call; what a model does not take is not sent to it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StrictInt

StrictFloat = Annotated[float, Strict()]


class Params(BaseModel):
    """Numbers are strict: a text that looks like one is refused."""

    model_config = ConfigDict(extra="forbid")

    temperature: Annotated[StrictFloat, Field(ge=0, le=2)] | None = None
    max_output_tokens: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = None

    def given(self) -> dict[str, object]:
        return self.model_dump(exclude_none=True)

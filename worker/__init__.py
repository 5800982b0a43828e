"""Everything between a job's claim and its final save."""

from worker.later import put_off

# The SDK describes all that the API can say: 400 modules, of which a worker needs a few errors'.
put_off("openai.types", "openai.types.chat", "openai.types.responses", "openai.types.shared")
# A client for event loops, which nobody here is.
put_off("redis.asyncio")

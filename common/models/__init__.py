"""The tables. Importing this package registers all of them on `common.db.Base`."""

from common.models.access import ApiKey, Invitation, SignInFailure, User, UserSession
from common.models.conversation import Conversation
from common.models.idempotency_key import IdempotencyKey
from common.models.job import Job
from common.models.message import Message
from common.models.model import Model
from common.models.prompt import Prompt
from common.models.spending import Spending
from common.models.worker import Worker

__all__ = [
    "ApiKey",
    "Conversation",
    "IdempotencyKey",
    "Invitation",
    "Job",
    "Message",
    "Model",
    "Prompt",
    "SignInFailure",
    "Spending",
    "User",
    "UserSession",
    "Worker",
]

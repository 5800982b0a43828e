"""What gunicorn and Flask's own commands load: `gunicorn -c gunicorn_conf.py wsgi:app`."""

import sys

from common.config import load_config
from common.db import reason_unreachable
from common.errors import ConfigurationError
from web.create_app import create_app

try:
    config = load_config()
    app = create_app(config)
except ConfigurationError as error:
    sys.exit(f"EpiCode: {error}")

# Said, not fatal: the process serves, answers 503 where it needs data, and heals by itself.
reason = reason_unreachable(config.DATABASE_URL)
if reason is not None:
    print(
        f"EpiCode: PostgreSQL can't be reached ({reason}): start ./epicode up, or set DATABASE_URL",
        file=sys.stderr,
    )

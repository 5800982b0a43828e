"""What gunicorn and Flask's own commands load: `gunicorn -c gunicorn_conf.py wsgi:app`."""

import sys

from common.errors import ConfigurationError
from web.create_app import create_app

try:
    app = create_app()
except ConfigurationError as error:
    sys.exit(f"EpiCode: {error}")

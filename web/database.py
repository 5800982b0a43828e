"""Flask's session on the tables of common/. The door commits, once, visibly."""

from flask_sqlalchemy import SQLAlchemy

from common.db import Base

db = SQLAlchemy(model_class=Base)

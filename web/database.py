"""Flask's session on the tables of common/. The door commits, once, visibly."""

from flask_sqlalchemy import SQLAlchemy

from common.db import Base

# What was committed is presented as it is, without reading it again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

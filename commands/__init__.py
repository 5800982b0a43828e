"""The operator's commands, one a file: `add_options(parser)` and `run(config, options)`, which
returns the exit code. `manage.py` chooses. They may use both doors."""

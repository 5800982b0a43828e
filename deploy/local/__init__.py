"""The launcher behind `./epicode`. Standard library only: it makes the virtual environment."""

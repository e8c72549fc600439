"""The jobs of this project: `pyproject.toml` names this package."""

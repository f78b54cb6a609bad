"""droplab inside scripts and frameworks that have a loop of their own; frameworks are imported where they are used."""

from droplab.adapters.script import run

__all__ = ["run"]

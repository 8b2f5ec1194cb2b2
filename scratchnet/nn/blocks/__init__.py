"""Blocks that papers describe and torch has not, one family a file."""

__all__: list[str] = []

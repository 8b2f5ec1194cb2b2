"""Losses that papers describe and torch has not: each as a function and as a module, one family a file."""

__all__: list[str] = []

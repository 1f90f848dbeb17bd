"""The page: a chat that shows its proof, and the library behind it."""

from ui.launch import launch

__all__ = ["launch"]

"""Stands here so that tests of every room can import the builders that lie beside it (pytest puts this folder on the path)."""

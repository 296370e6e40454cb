"""Statements and questions beyond the papers."""

SOURCE = "beyond the papers"

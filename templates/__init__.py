"""Texts and pages: Jinja2 data, one folder per language for messages; no logic."""

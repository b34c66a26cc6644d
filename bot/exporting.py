"""`comptoir export …`: what leaves as files, for other programs; one short function a command."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Write files for other programs.")


@app.callback()
def exports() -> None:
    """Write files for other programs; the same period twice gives the same bytes."""

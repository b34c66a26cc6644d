"""The help: what this person may do here and nothing else, grouped, each command a button away (U17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import menus, texts
from bot.access import allowed
from bot.cards import Content
from bot.keyboards import Press
from core.errors import Refused

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def run(turn: Turn, _rest: str = "") -> None:
    """What one can do here: a customer's few commands at once, a colleague's by theme."""
    turn.send(_first(turn))


def _first(turn: Turn) -> Content:
    usable = menus.usable(turn.link)
    if turn.link.customer is not None:
        first = menus.names_for(turn.session, turn.link)
        rest = [name for name in usable if name not in first and name != "changer"]
        return _page(turn, "help_customer", [name for name in (*first, *rest) if name != "aide"], [])
    themes = sections(turn)
    lines = [
        {"title": texts.table("menus", "fr")["help_titles"][theme], "names": names} for theme, names in themes.items()
    ]
    rows = [[_section(theme) for theme in list(themes)[index : index + 2]] for index in range(0, len(themes), 2)]
    return Content(
        texts.render("help_page", turn.language, themes=lines, edits=allowed(turn.link, "edit_draft")),
        rows,
        language=turn.language,
    )


def sections(turn: Turn) -> dict[str, list[str]]:
    """The themes of the commands he may use; a theme without any is not shown."""
    usable, themes = menus.usable(turn.link), texts.table("menus", "fr")["help"]
    kept = {theme: [name for name in names if name in usable] for theme, names in themes.items()}
    placed = {"aide", *(name for names in themes.values() for name in names)}
    kept["others"] = [name for name in usable if name not in placed]
    return {theme: names for theme, names in kept.items() if names}


def _section(theme: str) -> Press:
    return Press("help_section", {"theme": theme}, {"title": texts.table("menus", "fr")["help_titles"][theme]})


def _page(turn: Turn, title: str, names: list[str], last: list[list[Press]]) -> Content:
    described = menus.described(names, turn.language)
    if turn.link.customer is not None:
        rows = [[Press("run_command", {"command": name}, {"text": text})] for name, text in described]
        return Content(texts.escape(texts.answer(title, turn.language)), [*rows, *last], language=turn.language)
    presses = [Press("run_command", {"command": name}, {"text": f"/{name}"}) for name, _ in described]
    rows = [presses[index : index + 2] for index in range(0, len(presses), 2)]
    html = texts.render("help_section", turn.language, title=title, commands=described)
    return Content(html, [*rows, *last], language=turn.language)


def show_section(turn: Turn, args: Args, _thing: Any) -> None:
    """The commands of one theme; without a theme, all themes again."""
    theme = str(args.get("theme", ""))
    names = sections(turn).get(theme)
    if names is None:
        turn.show(_first(turn))
        return
    title = texts.table("menus", "fr")["help_titles"][theme]
    turn.show(_page(turn, title, names, [[Press("help_section", {}, {}, "help_back")]]))


def run_command(turn: Turn, args: Args, _thing: Any) -> None:
    """The command at once, or after the words that it needs."""
    from bot.handlers import commands

    name = str(args["command"])
    action = texts.table("menus", "fr")["commands"].get(name)
    if action is None or not allowed(turn.link, action):
        turn.not_allowed(str(action))
        return
    example = texts.table("menus", "fr")["needs"].get(name)
    if example is None:
        commands.COMMANDS[action](turn, "")
    else:
        turn.ask("command_words", "command_words", command=name, example=example)


def command_words(turn: Turn, args: Args, text: str) -> None:
    """The words of a command that was chosen by its button."""
    from bot.handlers import commands

    action = texts.table("menus", "fr")["commands"][str(args["command"])]
    if not allowed(turn.link, action):
        raise Refused("not_your_command")
    commands.COMMANDS[action](turn, text)


ACTIONS: dict[str, tuple[str, Any]] = {"help_section": ("", show_section), "run_command": ("", run_command)}
ANSWERS: dict[str, Any] = {"command_words": command_words}
COMMANDS: dict[str, Any] = {"help": run}

"""The pictures of the morning: bars from zero, each with its amount, for eyes of every kind and by day or night.

The colours are those of Okabe and Ito, told apart by people who confuse red and green; the ground is opaque, so that a
dark chat does not shine through. Whatever is drawn is also said in words beside it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 800
DPI = 100
GROUND, INK, FAINT = "#EEF1F4", "#1B1F24", "#8A929B"
#: From what is not due to what has been due longest.
PALETTE = ("#0072B2", "#56B4E9", "#F0E442", "#E69F00", "#D55E00")
#: Pixels of a title with its axis, and of a bar with the room around it.
FRAME, ROW = 96, 34


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, the parts it is stacked of, from zero, and what stands at its end."""

    name: str
    parts: tuple[float, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars under a title; `legend` names the parts, with their amounts, in the order of the palette."""

    title: str
    bars: tuple[Bar, ...]
    legend: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Its height in pixels."""
        return FRAME + ROW * len(self.bars) + (26 * -(-len(self.legend) // 3))


def draw(panels: Sequence[Panel], *, axis: Callable[[float], str], alone: str = PALETTE[0]) -> bytes:
    """A PNG of the panels, one under the other; `axis` writes a number of the axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = sum(panel.height for panel in panels)
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
    FigureCanvasAgg(figure)
    top = height
    for panel in panels:
        legend = 26 * -(-len(panel.legend) // 3)
        bars = ROW * len(panel.bars)
        bottom = top - 40 - bars
        axes = figure.add_axes((0.25, bottom / height, 0.5, bars / height), facecolor=GROUND)
        figure.text(0.03, (top - 26) / height, panel.title, color=INK, fontsize=13, fontweight="bold")
        _bars(axes, panel, axis, alone)
        _legend(figure, panel.legend, first=(bottom - 46) / height, step=26 / height)
        top = bottom - (FRAME - 40) - legend
    made = io.BytesIO()
    figure.savefig(made, format="png", facecolor=GROUND, metadata={"Software": None})
    return made.getvalue()


def _bars(axes: Axes, panel: Panel, axis: Callable[[float], str], alone: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    places = range(len(panel.bars))
    longest = max((sum(bar.parts) for bar in panel.bars), default=0.0)
    colours = PALETTE if max(len(bar.parts) for bar in panel.bars) > 1 else (alone,)
    for index, colour in enumerate(colours):
        drawn = [(place, bar) for place, bar in zip(places, panel.bars, strict=True) if bar.parts[index]]
        axes.barh(
            [place for place, _ in drawn], [bar.parts[index] for _, bar in drawn],
            left=[sum(bar.parts[:index]) for _, bar in drawn], height=0.62, color=colour, edgecolor=GROUND,
            linewidth=0.8,
        )  # fmt: skip
    for place, bar in zip(places, panel.bars, strict=True):
        axes.annotate(
            bar.label, (sum(bar.parts), place), xytext=(6, 0), textcoords="offset points", va="center", color=INK,
            fontsize=10, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(0, longest * 1.02 or 1)
    axes.set_ylim(len(panel.bars) - 0.5, -0.5)
    axes.set_yticks(list(places), [bar.name for bar in panel.bars], color=INK, fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True) if longest else FixedLocator([0]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: axis(value)))
    axes.tick_params(axis="x", colors=INK, labelsize=9, length=3)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, alpha=0.35, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _legend(figure: Any, names: Sequence[str], *, first: float, step: float) -> None:
    from matplotlib.patches import Rectangle

    for index, (name, colour) in enumerate(zip(names, PALETTE, strict=False)):
        left, low = 0.03 + 0.325 * (index % 3), first - step * (index // 3)
        figure.add_artist(Rectangle((left, low), 0.018, step * 0.5, facecolor=colour, edgecolor=INK, linewidth=0.5))
        figure.text(left + 0.026, low + step * 0.06, name, color=INK, fontsize=10)

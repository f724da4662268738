"""The power of designs as a drawing."""

from __future__ import annotations

from napari_histossl.study._drawing import COLOURS, GREY, STYLES, as_svg, new_axes
from napari_histossl.study.power import ENOUGH, PowerCurve


def draw_power(curve: PowerCurve) -> str:
    """Return power against the number of pictures, a line for each number of readers.

    Parameters
    ----------
    curve : PowerCurve
        What was simulated.

    Returns
    -------
    str
        An SVG element.
    """
    figure, axes = new_axes(6.4, 4.2)
    axes.axhline(ENOUGH, color=GREY, linewidth=1)
    for place, (readers, row) in enumerate(
        zip(curve.plan.readers, curve.power, strict=True)
    ):
        axes.plot(
            curve.plan.cases,
            row,
            marker="o",
            markersize=4,
            color=COLOURS[place % len(COLOURS)],
            linestyle=STYLES[place // len(COLOURS) % len(STYLES)],
            label=f"{readers} readers",
        )
    axes.set(xlabel="pictures in all", ylabel="power", ylim=(0, 1.02))
    axes.set_xlim(left=0)
    # In the order of the lines, long enough to show how a line is dashed.
    style = {"fontsize": 8, "frameon": False, "reverse": True, "handlelength": 3}
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), **style)
    return as_svg(figure, f"Power by pictures and readers; the line is {ENOUGH:.0%}")

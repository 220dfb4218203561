"""Draws accuracy against latency from the table of docs/benchmarks/latency.md."""

import matplotlib.figure
from draw_latency import COLOURS, table

MARKERS = {"float32": "o", "dynamic int8": "s"}
# Offset and alignment of the labels that are not above their points.
LABELS = {
    "cct_polynomial": ((0, -9), "center", "top"),
    "ResNet-20": ((0, -9), "center", "top"),
    "cct_2_3x2_32": ((4, -9), "right", "top"),
    "cct_conv6_polynomial, half the width": ((13, -5), "left", "top"),
}


def draw():
    """Returns the figure: one panel for each precision, a point for each model."""
    header, _, *rows = table("latency", "Accuracy against latency")
    figure = matplotlib.figure.Figure((11, 5.4), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, precision in zip(panels, COLOURS, strict=True):
        column = header.index(precision)
        for row in rows:
            draw_model(axes, row, float(row[column]), precision)
        axes.set_xscale("log")
        axes.margins(x=0.34, y=0.2)
        axes.set_xticks(*ticks(axes.get_xlim()))
        axes.minorticks_off()
        axes.tick_params(labelsize=12)
        axes.set_xlabel("latency relative to cct_7_3x1_32 in float32 (log scale)", fontsize=12)
        axes.set_title(f"LiteRT, {precision}", fontsize=13.5, weight="bold")
        axes.grid(True, color="#e5e5e5")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("test accuracy, %", fontsize=12)
    return figure


def draw_model(axes, row, latency, precision):
    """The point of a row, with the model's name and its epochs next to it."""
    name, epochs, accuracy = row[0].replace("`", ""), row[2], float(row[3].split()[0])
    colour = "#555555" if name == "ResNet-20" else COLOURS[precision]
    place, horizontal, vertical = LABELS.get(name, ((0, 9), "center", "bottom"))
    axes.plot(latency, accuracy, MARKERS[precision], color=colour, markersize=9)
    axes.annotate(
        name.replace(", ", ",\n") + f"\n{epochs} epochs",
        (latency, accuracy),
        place,
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=10.5,
        color=colour,
    )


def ticks(limits):
    """Places and labels on the axis of latencies."""
    places = [place for place in (0.02, 0.05, 0.1, 0.2, 0.5, 1) if limits[0] < place < limits[1]]
    return places, [f"{place:g}" for place in places]

"""The plots in docs/, from one machine's results. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS = "briskmlp"
COLORS = {
    OURS: "#d1495b",
    "numpy_reference": "#9aa5b1",
    "numpy_by_hand": "#52606d",
    "scikit_learn": "#e9a13b",
    "torch_eager": "#7b5ea7",
    "torch_compile": "#b49ad6",
    "jax": "#2a9d8f",
    "onnxruntime": "#3a7ca5",
}
AXES = {"batch": "batch", "width": "width", "depth": "hidden layers", "threads": "threads"}
PANELS = {"train": "training", "predict": "4096 rows predicted", "row": "one row predicted"}

Record = dict[str, Any]


def draw(results: Record, folder: Path) -> None:
    """Write every plot for which there are results, the same bytes for the same results."""
    # Text without a font of its own; names of elements that do not depend on the time.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": OURS, "font.size": 9})
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    folder.mkdir(exist_ok=True)
    makers = {"speed": speed, "scaling": scaling, "accuracy": accuracy}
    for part, make in makers.items():
        records = [r for r in results.get(part, []) if r["dtype"] == "float32"]
        if records:
            figure = make(records)
            figure.savefig(folder / f"{part}.svg", metadata={"Date": None}, facecolor="white")


def label_of(records: list[Record], name: str) -> str:
    for record in records:
        if name in record["contestants"]:
            return str(record["contestants"][name]["title"])
    return name


def speed(records: list[Record]) -> Figure:
    """How many times as long as ours each takes, on every workload, with all threads."""
    threads = max(record["threads"] for record in records)
    records = [record for record in records if record["threads"] == threads][::-1]
    figure = Figure(figsize=(9.5, 3.9), layout="constrained")
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for ax, (measure, title) in zip(axes, PANELS.items(), strict=True):
        for name, color in COLORS.items():
            points = [
                (median(record, OURS, measure) / median(record, name, measure), height)
                for height, record in enumerate(records)
                if measure in record["contestants"].get(name, {"speeds": {}})["speeds"]
            ]
            if points:
                size = 45 if name == OURS else 28
                ax.scatter(*zip(*points, strict=True), s=size, color=color, label=name, zorder=3)
        ax.axvline(1, color=COLORS[OURS], linewidth=0.8)
        ax.set(xscale="log", title=title, xlabel="times as long as briskmlp")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("")
        ax.set_yticks(range(len(records)), [record["name"] for record in records])
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", color="#e4e7eb")
    handles, names = axes[0].get_legend_handles_labels()
    more = [(h, n) for h, n in zip(*axes[1].get_legend_handles_labels(), strict=True)]
    handles += [h for h, n in more if n not in names]
    names += [n for _, n in more if n not in names]
    labels = [label_of(records, name) for name in names]
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(f"{threads} threads, float32: to the right of the line is slower")
    return figure


def median(record: Record, name: str, measure: str) -> float:
    return float(record["contestants"][name]["speeds"][measure]["median"])


def scaling(records: list[Record]) -> Figure:
    """What each computes along one dimension at a time."""
    figure = Figure(figsize=(9.5, 3), layout="constrained")
    names = [name for name in AXES if any(record["axis"] == name for record in records)]
    axes = figure.subplots(1, len(names), sharey=True)
    for ax, axis in zip(axes, names, strict=True):
        points = [record for record in records if record["axis"] == axis]
        for name, color in COLORS.items():
            line = [
                (r["value"], median(r, name, "train") * r["flops_per_row"]["train"] * 1e-9)
                for r in sorted(points, key=lambda r: r["value"])
                if "train" in r["contestants"].get(name, {"speeds": {}})["speeds"]
            ]
            if line:
                ax.plot(*zip(*line, strict=True), color=color, marker=".", label=name)
        values = sorted(r["value"] for r in points)
        ax.set_xscale("linear" if axis == "threads" else "log", **scale_of(axis))
        ax.set_xticks(values, [str(value) for value in values])
        ax.minorticks_off()
        ax.set(xlabel=AXES[axis])
    peak = max(record["peak_gflops"]["median"] for record in records)
    for ax in axes:
        ax.axhline(peak, color="#9aa5b1", linestyle=":", linewidth=1)
    axes[0].set(ylabel="training, GFLOP/s", ylim=(0, None))
    handles, labels = axes[0].get_legend_handles_labels()
    labels = [label_of(records, name) for name in labels]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle("A network 64-256-256-10, batches of 128, and what changes it; dotted: peak")
    return figure


def scale_of(axis: str) -> dict[str, Any]:
    return {} if axis == "threads" else {"base": 2}


def accuracy(records: list[Record]) -> Figure:
    """Accuracy on the test images against seconds, a line a seed."""
    figure = Figure(figsize=(6.5, 3.4), layout="constrained")
    ax: Axes = figure.subplots()
    for record in records:
        for index, curve in enumerate(record["curves"]):
            label = None if index else record["title"]
            color = COLORS[record["contestant"]]
            ax.plot(*zip(*curve, strict=True), color=color, marker=".", linewidth=1, label=label)
    goal = records[0]["goal"]
    ax.axhline(goal, color="#9aa5b1", linestyle=":", linewidth=1)
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set(xlabel="seconds of training, compiling included", ylabel="test images right")
    ax.set_title(f"Fashion-MNIST, {records[0]['threads']} threads")
    ax.legend(frameon=False, loc="lower right")
    return figure

"""Write the README's section on speed, between its markers, and the plots in docs/.

    python benchmarks/report.py           # from results/*.json; the plots need matplotlib
    python benchmarks/report.py --check   # fails if the README says anything else

Checking needs the standard library alone. `run.py` makes the results.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- speed:begin -->\n", "<!-- speed:end -->\n"
OURS = "briskmlp"
MEASURES = {"train": "Training", "predict": "Predicting 4096 rows", "row": "Predicting one row"}

Record = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    options = parser.parse_args(arguments)
    paths = sorted(RESULTS.glob("*.json"))
    all_results = [json.loads(path.read_text("utf-8")) for path in paths]
    before = README.read_text("utf-8")
    after = spliced(before, "\n".join(line for r in all_results for line in section(r)))
    if options.check:
        if before == after:
            return 0
        print("README.md does not say what benchmarks/results do: run benchmarks/report.py")
        return 1
    README.write_text(after, "utf-8")
    import plots

    plots.draw(all_results[0], ROOT / "docs")
    return 0


def spliced(readme: str, text: str) -> str:
    """The README with the text between its markers."""
    head, rest = readme.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}{text}\n{END}{tail}"


def section(results: Record) -> Iterator[str]:
    """Lines about one machine."""
    machine, software = results["machine"], results["software"]
    order = list(dict.fromkeys(record["name"] for record in results["speed"]))
    speeds = sorted(results["speed"], key=lambda r: (order.index(r["name"]), r["threads"]))
    versions = ", ".join(f"{name} {software[name]}" for name in libraries(software))
    yield paragraph(
        f"{machine['cpu']}, {machine['isa']}, {machine['available_processors']} processors, "
        f"{machine['system']}; {versions}. The peak is {machine['peak']}."
    )
    if trials := sorted(part for part in results if is_trial(results[part])):
        yield paragraph(f"**A trial, not a record:** few rounds of {', '.join(trials)}.")
    for dtype in dict.fromkeys(record["dtype"] for record in speeds):
        yield from ("", *speed_table([r for r in speeds if r["dtype"] == dtype], dtype))
    yield from ("", *losses(speeds))
    if "accuracy" in results:
        yield from ("", *accuracy_table(results["accuracy"]))
    if "footprint" in results:
        yield from ("", *footprint_table(results["footprint"]))
    if "estimators" in results:
        yield from ("", *estimators_table(results["estimators"]))


def paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def libraries(software: dict[str, str]) -> list[str]:
    """Names of what was compared, without what the build says."""
    return [name for name in software if name not in ("compiler", "threading")]


def is_trial(part: Any) -> bool:
    return isinstance(part, list) and any(record["quick"] for record in part)


# --- Speed ------------------------------------------------------------------------------------


def speed_table(records: list[Record], dtype: str) -> Iterator[str]:
    yield row(
        f"network, loss, batch ({dtype})",
        "threads",
        "training, rows/s",
        "of peak",
        "best rival",
        "4096 rows, rows/s",
        "of peak",
        "best rival",
        "one row, µs",
        "best rival",
    )
    yield "|---|" + "--:|" * 9
    for record in records:
        ours = record["contestants"][OURS]["speeds"]
        sizes = "-".join(map(str, record["sizes"]))
        yield row(
            f"{record['name']}: {sizes}, {record['loss']}, {record['batch_size']}",
            str(record["threads"]),
            rate(ours["train"]["median"]),
            share_of_peak(record, "train"),
            against_best(record, "train"),
            rate(ours["predict"]["median"]),
            share_of_peak(record, "predict"),
            against_best(record, "predict"),
            microseconds(ours["row"]["median"]),
            against_best(record, "row"),
        )


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def rate(per_second: float) -> str:
    """A rate in three digits: 4.81M, 97.3k."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if per_second >= factor:
            return f"{per_second / factor:.3g}{letter}"
    return f"{per_second:.3g}"


def microseconds(per_second: float) -> str:
    time = 1e6 / per_second
    return f"{time:.3g}" if time < 999.5 else f"{time:.0f}"


def share_of_peak(record: Record, measure: str) -> str:
    done = record["contestants"][OURS]["speeds"][measure]["median"]
    return f"{done * record['flops_per_row'][measure] * 1e-9 / record['peak_gflops']['median']:.0%}"


def best_rival(record: Record, measure: str) -> tuple[float, str] | None:
    """How many times as fast ours is as the fastest rival, and whose that is."""
    speeds = {
        contestant["title"]: contestant["speeds"][measure]["median"]
        for name, contestant in record["contestants"].items()
        if name != OURS and measure in contestant["speeds"]
    }
    if not speeds:
        return None
    title = max(speeds, key=lambda title: speeds[title])
    return record["contestants"][OURS]["speeds"][measure]["median"] / speeds[title], title


def against_best(record: Record, measure: str) -> str:
    best = best_rival(record, measure)
    if best is None:
        return ""
    times, title = best
    return f"{times:.2f}x {title}" if times >= 1 else f"**{times:.2f}x** {title} ▼"


def losses(records: list[Record]) -> Iterator[str]:
    """Where a rival is faster, in words."""
    yield paragraph(
        "A best rival's column says how many times as fast as the best of the others we are; "
        "▼ marks where we are slower."
    )
    lost = [
        f"- {what}, {record['name']} with {plural(record['threads'], 'thread')}: "
        f"{best[1]} is {1 / best[0]:.2f} times as fast."
        for record in records
        for measure, what in MEASURES.items()
        if (best := best_rival(record, measure)) is not None and best[0] < 1
    ]
    yield from ("", "Where we lose:", "", *lost) if lost else ("", "No rival is faster in any.")
    refused = [
        f"- {contestant['title']}, {record['name']}: no number, {contestant['refused']}."
        for record in records
        for contestant in record["contestants"].values()
        if contestant["refused"]
    ]
    if refused:
        yield from ("", "Who did not do the work:", "", *dict.fromkeys(refused))


# --- The rest ---------------------------------------------------------------------------------


def accuracy_table(records: list[Record]) -> Iterator[str]:
    first = records[0]
    sizes = "-".join(map(str, first["sizes"]))
    yield paragraph(
        f"Training until {first['goal']:.0%} of Fashion-MNIST's test images are right: {sizes}, "
        f"batches of {first['batch_size']}, {plural(first['threads'], 'thread')}, compiling "
        f"included, median of {plural(len(first['curves']), 'seed')}."
    )
    yield ""
    yield row("", *(record["title"] for record in records))
    yield "|---|" + "--:|" * len(records)
    yield row("seconds", *(f"{record['seconds']:.2f}" for record in records))
    yield row("epochs", *(f"{record['epochs']:g}" for record in records))


def footprint_table(records: list[Record]) -> Iterator[str]:
    yield paragraph(
        "What a library costs: import and files beyond NumPy's, and the peak memory of a first "
        "epoch beyond the data, compiling included."
    )
    yield ""
    yield row("", *(record["title"] for record in records))
    yield "|---|" + "--:|" * len(records)
    yield row("import, s", *(f"{max(0, r['import_seconds']['median']):.2f}" for r in records))
    yield row("installed, MB", *(f"{record['installed_mb']:.3g}" for record in records))
    for name in records[0]["fit_mb"]:
        megabytes = (record["fit_mb"].get(name) for record in records)
        cells = ("-" if mb is None else f"{mb:.0f}" for mb in megabytes)
        yield row(f"training {name}, MB", *cells)


def estimators_table(records: list[Record]) -> Iterator[str]:
    yield paragraph(
        "The estimators in place of scikit-learn's, with the same settings: seconds that theirs "
        "takes → ours. A fit is of as many epochs (or iterations of lbfgs) as it says, and counts "
        "only if both come to the same loss."
    )
    yield ""
    yield row(
        "rows x columns, hidden", "solver", "type", "threads", "fit", "predict", "one row, µs"
    )
    yield "|---|---|---|--:|---|---|---|"
    for r in sorted(records, key=lambda r: (r["rows"], r["solver"], r["dtype"], r["threads"])):
        yield row(
            f"{r['rows']:,} x {r['features']}, {'-'.join(map(str, r['hidden']))}",
            f"{r['solver']}, {r['epochs']}",
            r["dtype"],
            str(r["threads"]),
            *(against_theirs(r, what) for what in ("fit", "predict")),
            against_theirs(r, "row", 1e6),
        )


def against_theirs(record: Record, what: str, unit: float = 1.0) -> str:
    """Their time, our time, and how many times as fast ours is."""
    both = record["seconds"][what]
    theirs, ours = both["scikit-learn"]["median"], both[OURS]["median"]
    times = f"{theirs / ours:.1f}x" if theirs >= ours else f"**{theirs / ours:.2f}x** ▼"
    return f"{theirs * unit:.3g} → {ours * unit:.3g}: {times}"


if __name__ == "__main__":
    sys.exit(main())

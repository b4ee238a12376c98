"""Benchmarks as markdown, each time beside its ratio to the blur of the same frame, and the budget on it."""

BUDGET = {"plane 400²": 20, "plane 800²": 13, "cable gland 400²": 20}
ANALYSIS_BUDGET = {"plane 400²": 60 / 0.21, "plane 800²": 250 / 0.94, "cable gland 400²": 60 / 0.21}
"""60 and 250 ms on the machine where the blur takes 0.21 and 0.94."""
METHOD_BUDGET = {"plane 400²": 15 / 0.21, "plane 800²": 40 / 0.94}
"""15 and 40 ms on that machine for a lifted method."""
TWICE = ("fine", "matter", "gap")
"""The dearest, which use all of the renderer (DESIGN §4): supersampled, matter added or removed, or a gap."""
WARP_BUDGET = {"plane 400²": 25 / 0.21, "plane 800²": 100 / 0.94, "cable gland 400²": 25 / 0.21}
"""A warp of the whole object: 100 ms at 800² on that machine, a quarter of it for a quarter of the pixels."""


def lines(told: list[dict]) -> list[str]:
    """All tables of what was timed."""
    tables = {name: [info for info in told if info.get("table") == name] for name in _TABLES}
    return [line for name, rows in tables.items() if rows for line in ("", *_TABLES[name](rows))]


def _speed(rows):
    yield "The dearest have twice the budget: fine (supersampled in this frame), matter (added or removed), gap (walls,"
    yield "darkness and lost depth at once). Warps have one of their own."
    yield ""
    yield "| frame | what | of the frame | uses | replay ms | × blur | synthesize ms | × blur | budget | |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in sorted(rows, key=lambda row: row["frame"]):
        frame, kind = row["frame"], row["kind"]
        if kind == "analysis":
            budget = ANALYSIS_BUDGET.get(frame)
            yield (f"| {frame} | analysis, once a capture | | | | | {row['ms']:.1f} | {row['ratio']:.0f} | "
                   f"{_said(budget, row['ratio'])} |")
            continue
        ms, ratio = row["replay"]
        yield (f"| {frame} | {kind} | {row['covered']:.1%} | {row['demands']} | {ms:.2f} | {ratio:.1f} | "
               f"{row['ms']:.2f} | {row['ratio']:.1f} | {_said(_budget(row), max(ratio, row['ratio']))} |")


def _budget(row):
    if row["frame"] not in BUDGET:
        return None
    if row["demands"] == "warp":
        return WARP_BUDGET[row["frame"]]
    return BUDGET[row["frame"]] * (2 if row["demands"] in TWICE else 1)


def _said(budget, ratio):
    return " | " if budget is None else f"{budget:.0f} | {'kept' if ratio <= budget else 'over'}"


def _methods(rows):
    yield "| frame | method | of the frame | synthesize ms, the middle of five seeds | × blur | budget | |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        ms, ratio = row["middle"]
        yield (f"| {row['frame']} | {row['method']} | {row['covered']:.1%} | {ms:.1f} | {ratio:.0f} | "
               f"{_said(METHOD_BUDGET.get(row['frame']), ratio)} |")


def _area(rows):
    yield "| dent at 400², of the frame | replay ms | × blur | synthesize ms | × blur |"
    yield "|---|---|---|---|---|"
    for row in rows:
        yield (f"| {row['covered']:.1%} | {row['replay'][0]:.2f} | {row['replay'][1]:.1f} | {row['ms']:.2f} | "
               f"{row['ratio']:.1f} |")


def _image(rows):
    yield "| image, the same dent | dent px | replay ms | synthesize ms | blur ms |"
    yield "|---|---|---|---|---|"
    for row in rows:
        yield (f"| {row['size']}² | {row['pixels']} | {row['replay'][0]:.2f} | {row['ms']:.2f} | "
               f"{row['blur_ms']:.2f} |")


def _footprint(rows):
    yield "| what | found | limit | |"
    yield "|---|---|---|---|"
    for row in rows:
        if row["limit"] is None:
            yield f"| {row['what']} | {row['value']:.3g} {row['unit']} | | |"
            continue
        kept = "kept" if row["value"] <= row["limit"] else "over"
        note = f"; {row['note']}" if "note" in row else ""
        yield f"| {row['what']} | {row['value']:.3g} {row['unit']} | {row['limit']} {row['unit']} | {kept}{note} |"


_TABLES = {"speed": _speed, "methods": _methods, "area": _area, "image": _image, "footprint": _footprint}

"""Pictures of a Result for people: a contact sheet with every modality, and a poster with three."""

from collections.abc import Sequence

import cv2
import numpy as np

from crossmodal import panes
from crossmodal.panes import ACCENT, INK, Window

_PAPER = 255
_GREY = (120, 126, 134)


def sheet(result, width: int = 1500) -> np.ndarray:
    """Before over after: the frame, then the defect's colour, normals, relief, cloud. uint8 (H, width, 3)."""
    margin = round(width * 0.018)
    gap = round(width * 0.009)
    small = round(width * 0.17)
    pane = (width - 2 * margin - 4 * gap - small) // 4
    high = round(pane * 0.8)
    return _laid_out(result, width, margin, gap, (pane, high), small, context=2.6,
                     columns=("colour", "normals", "relief", "cloud"), outline=True)


def poster(result, width: int = 1500) -> np.ndarray:
    """Before over after; colour, depth and point cloud. uint8 (H, width, 3)."""
    margin = round(width * 0.02)
    gap = round(width * 0.012)
    pane = (width - 2 * margin - 2 * gap) // 3
    return _laid_out(result, width, margin, gap, (pane, round(pane * 0.75)), 0, context=5.0,
                     columns=("colour", "relief", "cloud"), outline=False)


def sheets(results: Sequence, width: int = 1500) -> np.ndarray:
    """Several sheets, one under another."""
    if not results:
        raise ValueError("results must hold at least one Result, but got none")
    return np.concatenate([sheet(result, width) for result in results])


_TITLES = {"colour": "RGB", "normals": "Normals", "relief": "Depth relief", "cloud": "Point cloud"}


def _laid_out(result, width, margin, gap, size, small, context, columns, outline):
    shown = result.gt if result.gt.any() else result.masks.union
    window = panes.window_on(shown, context, *size)
    rows, range_mm = _rows(result, window, columns, outline)
    text = max(0.42, width / 2600)
    head, foot = round(46 * text), round(64 * text)
    paper = np.full((2 * margin + head + 2 * size[1] + gap + foot, width, 3), _PAPER, np.uint8)
    left = margin + (small + gap if small else 0)
    for k, column in enumerate(columns):
        x = left + k * (size[0] + gap)
        _write(paper, _TITLES[column], x, margin + round(24 * text), text, INK)
        for row, y in enumerate((margin + head, margin + head + size[1] + gap)):
            paper[y:y + size[1], x:x + size[0]] = rows[row][column]
        if column == "relief":
            _legend(paper, x, margin + head + 2 * size[1] + gap + round(14 * text), size[0], range_mm, text)
    for row, word in enumerate(("before", "after")):
        y = margin + head + row * (size[1] + gap)
        if small:
            _write(paper, word, margin, y + round(24 * text), text, INK)
            top = y + round(38 * text)
            frame = _frame((result.before, result.after)[row], window, small, y + size[1] - top)
            paper[top:top + frame.shape[0], margin:margin + frame.shape[1]] = frame
            if row:
                _facts(paper, result, margin, y + size[1] + round(30 * text), text)
        else:
            _tag(paper, word, left, y, text)
    _scale_bar(paper, result, window, left, margin + head + 2 * size[1] + gap + round(14 * text), text)
    return paper


def _rows(result, window: Window, columns, outline):
    coarse = panes.coarse_shape(result.before, window)
    reliefs = [panes.relief_mm(capture, coarse, window) for capture in (result.before, result.after)]
    range_mm = panes.relief_range(reliefs, window.of(result.gt | result.masks.depth))
    view = panes.Oblique(result.before, window)
    rows = []
    for capture, relief in zip((result.before, result.after), reliefs, strict=True):
        draw = {"colour": lambda c=capture: panes.colour_pane(c, window),
                "normals": lambda c=capture: panes.normal_pane(c, window),
                "relief": lambda c=capture, r=relief: panes.relief_pane(r, range_mm, c.normals, window),
                "cloud": lambda c=capture: view.pane(c)}
        rows.append({column: draw[column]() for column in columns})
    if outline and result.gt.any():
        lines = panes.outlines(result.gt, window)
        for column, pane in rows[1].items():
            drawn = panes.oblique_outlines(lines, result, view) if column == "cloud" else lines
            cv2.polylines(pane, [np.ascontiguousarray(line) for line in drawn], True, ACCENT, 1, cv2.LINE_AA)
    return rows, range_mm


def _frame(capture, window, width, height):
    """The whole frame within width × height, with the window's box."""
    rows, columns = capture.shape
    k = min(width / columns, height / rows)
    picture = cv2.resize(np.ascontiguousarray(capture.rgb), (int(columns * k), int(rows * k)),
                         interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_CUBIC)
    start = round(window.column * k), round(window.row * k)
    end = round((window.column + window.columns) * k) - 1, round((window.row + window.rows) * k) - 1
    cv2.rectangle(picture, start, end, (255, 255, 255), 3, cv2.LINE_AA)
    cv2.rectangle(picture, start, end, ACCENT, 1, cv2.LINE_AA)
    return picture


def _facts(paper, result, x, y, text):
    """What stands under the small frame: kinds, area, and how far the surface moved."""
    kinds = _kinds(result)
    moved = result.displacement_mm[np.isfinite(result.displacement_mm)]
    lines = [f"{', '.join(kinds)}, {int(result.gt.sum())} px".lstrip(", ")]
    changes = []
    if len(moved) and moved.min() < 0:
        changes.append(f"{-moved.min():.2g} mm in")
    if len(moved) and moved.max() > 0:
        changes.append(f"{moved.max():.2g} mm out")
    removed = int((np.isnan(result.displacement_mm) & result.gt).sum())
    if removed:
        changes.append(f"{removed} px removed")
    lines.append(", ".join(changes[:2]))
    for k, line in enumerate(lines):
        _write(paper, line, x, y + round(k * 30 * text), text * 0.85, INK if k == 0 else _GREY)


def _kinds(result):
    plan = getattr(result, "plan", None)
    defects = getattr(plan, "defects", ())
    return tuple(dict.fromkeys(str(getattr(d, "kind", "") or getattr(getattr(d, "spec", None), "kind", ""))
                               for d in defects))


def _legend(paper, x, y, width, range_mm, text):
    bar = panes.relief_colours(np.linspace(-1, 1, width)).astype(np.uint8)
    high = max(6, round(12 * text))
    paper[y:y + high, x:x + width] = bar
    for at, word in ((0, f"-{range_mm:g} mm"), (0.5, "0"), (1, f"+{range_mm:g} mm")):
        size = _extent(word, text * 0.85)
        _write(paper, word, round(x + at * (width - size)), y + high + round(26 * text), text * 0.85, _GREY)


def _scale_bar(paper, result, window, x, y, text):
    z = window.of(result.before.depth)
    if not np.isfinite(z).any():
        return
    mm = float(np.nanmedian(z)) * 1000 / result.before.camera.fx / window.scale  # per pixel of the picture
    longest = 0.32 * window.width * mm
    power = 10.0 ** np.floor(np.log10(longest))
    length = max(k * power for k in (1, 2, 5) if k * power <= longest)
    end, high = x + round(length / mm), max(3, round(6 * text))
    paper[y:y + high, x:end] = INK
    _write(paper, f"{length:g} mm", x, y + high + round(30 * text), text * 0.85, _GREY)


def _tag(paper, word, x, y, text):
    """A word on white in a pane's upper left corner."""
    wide, high = _extent(word, text) + round(20 * text), round(38 * text)
    paper[y:y + high, x:x + wide] = _PAPER
    _write(paper, word, x + round(10 * text), y + round(26 * text), text, INK)


def _extent(word, text):
    return cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, text, 1)[0][0]


def _write(paper, word, x, y, text, colour):
    cv2.putText(paper, word, (x, y), cv2.FONT_HERSHEY_SIMPLEX, text, colour, 1, cv2.LINE_AA)

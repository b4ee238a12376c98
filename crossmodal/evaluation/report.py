"""What a check found: one row a test, and every violation by name."""

import math
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Literal

Status = Literal["ok", "violated", "not checked"]


@dataclass(frozen=True)
class Test:
    """One thing that is measured. ``low_is_bad`` marks a share, whose smallest value is the worst."""

    name: str
    unit: str = ""
    low_is_bad: bool = False
    needs_source: bool = False

    __test__ = False  # not a test of pytest's


TESTS = (
    Test("readable"),
    Test("sibling folders"),
    Test("units, median z", "m"),
    Test("invalid codes", "px"),
    Test("own pixel, shipped camera, p99", "px"),
    Test("own pixel, fitted camera, p99", "px"),
    Test("same camera throughout", "px"),
    Test("depth = z", "mm"),
    Test("gt file"),
    Test("gt values", "px"),
    Test("gt class ids", "px"),
    Test("gt where due"),
    Test("soft label on gt", "px"),
    Test("gt within the masks", "px"),
    Test("masks within the footprint", "px"),
    Test("cloud labels on the depth mask", "px"),
    Test("manifest"),
    Test("files as in the manifest"),
    Test("source as in the manifest", needs_source=True),
    Test("rgb outside its mask", "px", needs_source=True),
    Test("xyz outside its mask", "px", needs_source=True),
    Test("rgb mask really changed", "share", True, True),
    Test("depth mask really changed", "share", True, True),
    Test("gt really changed", "share", True, True),
    Test("changed points on their rays", "px", needs_source=True),
    Test("sign of the relief", "px", needs_source=True),
    Test("displacement against xyz, p95", "mm", needs_source=True),
    Test("size as measured", "mm", needs_source=True),
    Test("size as requested", "mm", needs_source=True),
    Test("defects appear", needs_source=True),
    Test("good copies untouched", "px", needs_source=True),
)


@dataclass(frozen=True)
class Figure:
    """One measurement of one sample: a value in the test's unit, and what is wrong with it, if anything."""

    test: str
    value: float | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Finding:
    """One violation: which test, where, and why in one line."""

    test: str
    sample: str
    reason: str


@dataclass(frozen=True)
class Row:
    """One test over all samples. ``samples`` were checked, ``violations`` of them failed it.

    worst, median: in ``unit``; None where the test yields no number. note: a remark that is no violation.
    """

    test: str
    samples: int
    violations: int
    worst: float | None
    median: float | None
    unit: str
    worst_sample: str
    status: Status
    note: str = ""


@dataclass(frozen=True)
class Report:
    """Every test of one dataset, and every violation."""

    dataset: str
    source: str | None
    samples: int
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 when something was checked and nothing is violated, else 1."""
        statuses = {row.status for row in self.rows}
        return 1 if "violated" in statuses or "ok" not in statuses else 0

    def to_json(self) -> dict:
        """Plain lists, dicts, numbers and None, for ``json.dumps``."""
        return asdict(self) | {"exit_code": self.exit_code}

    def lines(self, most: int = 20) -> list[str]:
        """A table for people, and at most ``most`` of the violations."""
        where = f", against {self.source}" if self.source else ""
        head = ("test", "samples", "violations", "worst", "median", "status", "worst sample")
        cells = [head] + [
            (
                row.test,
                str(row.samples),
                str(row.violations),
                _number(row.worst, row.unit),
                _number(row.median, row.unit),
                row.status,
                row.worst_sample,
            )
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        right = {1, 2, 3, 4}
        lines = [f"{self.dataset}: {self.samples} samples{where}"]
        for line in cells:
            padded = [
                cell.rjust(width) if i in right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            lines.append("  ".join(padded).rstrip())
        lines += [f"note: {row.test}: {row.note}" for row in self.rows if row.note]
        lines += [f"violated: {found.test}: {found.sample}: {found.reason}" for found in self.findings[:most]]
        if len(self.findings) > most:
            lines.append(f"... and {len(self.findings) - most} more; --json lists them all")
        counts = [sum(row.status == status for row in self.rows) for status in ("ok", "violated", "not checked")]
        lines.append(f"{counts[0]} ok, {counts[1]} violated, {counts[2]} not checked")
        return lines


@dataclass
class Ledger:
    """Gathers figures while the samples stream by; keeps one number a figure and nothing of the arrays."""

    values: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    checked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, sample: str, *figures: Figure) -> None:
        """Enter figures of one sample (or folder)."""
        for figure in figures:
            self.checked[figure.test].add(sample)
            if figure.value is not None:
                self.values[figure.test].append((float(figure.value), sample))
            if figure.fault is not None:
                self.findings.append(Finding(figure.test, sample, figure.fault))

    def row(self, test: Test) -> Row:
        """The figures of one test, summed up; nothing entered is "not checked"."""
        samples = len(self.checked[test.name])
        bad = {found.sample for found in self.findings if found.test == test.name}
        numbers = [pair for pair in self.values[test.name] if not math.isnan(pair[0])]
        worst, where = None, next((f.sample for f in self.findings if f.test == test.name), "")
        if numbers:
            worst, where = (min if test.low_is_bad else max)(numbers, key=lambda pair: pair[0])
        status: Status = "violated" if bad else "ok" if samples else "not checked"
        return Row(
            test.name,
            samples,
            len(bad),
            worst,
            median(v for v, _ in numbers) if numbers else None,
            test.unit,
            where,
            status,
            self.notes.get(test.name, ""),
        )

    def report(self, dataset: str, source: str | None, samples: int, tests: tuple[Test, ...] = TESTS) -> Report:
        """A row for each of the tests, in their order."""
        order = {test.name: i for i, test in enumerate(tests)}
        findings = sorted(self.findings, key=lambda found: order[found.test])
        return Report(dataset, source, samples, tuple(self.row(test) for test in tests), tuple(findings))


def _number(value, unit):
    if value is None:
        return "-"
    return f"{value:.4g} {unit}" if unit else f"{value:.4g}"

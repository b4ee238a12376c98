"""A request as the fields of a spec, in the words of a recipe, with a note on what its kind does not have."""

from crossmodal.defects import DEFECTS
from crossmodal.defects.spec import THIRDS
from crossmodal.guidance.clauses import Request
from crossmodal.guidance.items import Item
from crossmodal.guidance.measures import Measure

SPECS = {spec.model_fields["kind"].default: spec for spec in DEFECTS}
# Which of its sizes a kind means by a word, in order of preference.
FIELDS = {
    "length": ("length_mm", "diameter_mm"), "width": ("width_mm", "diameter_mm"), "across": ("diameter_mm", "width_mm"),
    "diameter": ("diameter_mm", "length_mm"), "depth": ("depth_mm", "thickness_mm"), "height": ("height_mm",),
    "thickness": ("thickness_mm", "height_mm", "width_mm", "depth_mm"), "size": ("length_mm", "diameter_mm"),
    "angle": ("angle_deg", "orientation_deg"), "main": ("length_mm", "diameter_mm"),
}
THICK = {"fibre": ("width_mm",), "scratch": ("width_mm",), "crack": ("width_mm",), "cut": ("width_mm",),
         "crease": ("width_mm",), "burr": ("width_mm",), "peel": ("depth_mm",)}
ROUND = {"fibre": ("width_mm", "length_mm"), "bend": ("diameter_mm",)}
# Linear gains are what a tint does to a surface; for matter of its own these are greys.
SHADES = {"darker": (120, 118, 115), "lighter": (215, 212, 205)}
FAINT = {"darker": (175, 173, 170), "lighter": (225, 222, 218)}
TINTS = ("stain", "discoloration")  # their colour is what is left of the surface's own
VAGUE = ("dent", "scratch", "chip", "wear")
SQUARE_MM = 3.141592653589793 / 4  # of a disc's area to its diameter's square


def spec_fields(request: Request) -> tuple[dict, list[str]]:
    """(fields of the spec, notes) of a request whose kind is known."""
    return _Fields(request).made()


def field_of(kind: str, role: str) -> str | None:
    """The field of a kind's spec that a role means, or None where it has none."""
    return _Fields(Request(Item({}, 0, 0), kind, {}))._field(role)


class _Fields:
    def __init__(self, request: Request):
        self.request, self.spec = request, SPECS[request.kind]
        known = self.spec.model_fields
        said = {name: value for name, value in request.fields.items() if name in known}
        self.fields: dict = {"kind": request.kind} | said
        self.notes: list[str] = []
        self.sized: set[str] = set()
        self.bounds: dict[str, str] = {}
        self.place: dict = dict(request.fields.get("place", {}))

    def made(self):
        for item in sorted(self.request.said, key=_turn):
            getattr(self, f"_{item.tag}")(item)
        if self.place.get("inward") and self.spec.at != "axis":
            self.place.setdefault("where", "rim")
            self.fields.pop("orientation_deg", None)
        if self.place.get("inward") and self.place.get("near") == "hole":
            del self.place["inward"], self.place["where"]
            self.notes.append("what runs inward begins at a rim; from a hole, no heading is asked for")
        if self.place:
            self.fields["place"] = self.place
        return self.fields, self.notes

    def _spare(self) -> str:
        """What a size without a name is of, where the main one was said: "a deep scratch (0.5 mm), 30 mm long"."""
        roles = (item.value[0] for item in self.request.said if item.tag == "degree")
        return next((role for role in roles if role != "main" and self._field(role) not in (None, *self.sized)), "main")

    def _note(self, item: Item, sentence: str):
        item.known = False
        item.notes.append(sentence)
        self.notes.append(sentence)

    def _field(self, role: str, unit: str = "mm") -> str | None:
        kind, known = self.request.kind, self.spec.model_fields
        names = FIELDS.get(role, ())
        if role == "thickness":
            names = THICK.get(kind, names)
        elif role == "diameter":
            names = ROUND.get(kind, names)
        elif role == "depth" and self.spec.effect in ("appearance", "out", "add"):
            names = ()
        elif role == "height" and self.spec.effect == "appearance":
            names = ("diameter_mm",)
        elif role in ("main", "size") and "angle_deg" in known and unit == "degree":
            names = ("angle_deg",)
        return next((name for name in names if name in known), None)

    def _measure(self, item: Item):
        measure: Measure = item.value
        if measure.more:
            self._dimensions(item, (measure, *measure.more))
            return
        role = measure.role or "main"
        if role == "main" and self._field(role, measure.unit) in self.sized and not measure.likened:
            role = self._spare()
        if measure.unit == "degree":
            role = "angle"
        if role == "angle" and measure.unit not in ("degree", "bare"):
            role = "main"
        if measure.unit == "mm2" or role == "area":
            self._area(item, measure)
            return
        if role == "d":
            role = "depth" if "length_mm" in self.spec.model_fields or "diameter_mm" in self.sized else "diameter"
        scale = 2.0 if role == "radius" else 1.0
        self._size(item, "diameter" if role == "radius" else role, measure, scale)

    def _size(self, item, role, measure: Measure, scale=1.0):
        name = self._field(role, measure.unit)
        if name is None:
            self._note(item, f"a {self.request.kind} has no {role}")
            return
        low, high = (scale * end for end in measure.ends)
        if {measure.bound, self.bounds.get(name)} == {"least", "most"} and measure.unit != "percent":
            ends = self.fields[name]  # "longer than 10 but shorter than 15"
            low, high = (low, ends[1]) if measure.bound == "least" else (ends[0], high)
            if isinstance(low, float) and isinstance(high, float) and low < high:
                self.fields[name] = [_tidy(low), _tidy(high)]
                item.meaning = f"{name}: {self.fields[name]}"
                return
        if name in self.sized:
            self._note(item, f"{name} was said already")
            return
        self.bounds[name] = measure.bound
        if measure.unit == "percent":
            value = f"{low:.6g}%" if low == high else [f"{low:.6g}%", f"{high:.6g}%"]
        else:
            value = _tidy(low) if low == high else [_tidy(low), _tidy(high)]
        self.fields[name] = value
        self.sized.add(name)
        unit = " (taken as mm)" if measure.unit == "bare" and name.endswith("_mm") else ""
        item.meaning = f"{name}: {value}{unit}"

    def _dimensions(self, item, sizes):
        """"12 x 2 x 0.5 mm": the longer two across the surface, the third into it or out of it."""
        for one in (one for one in sizes if one.role):
            self._size(item, one.role, one)
        sizes = tuple(one for one in sizes if not one.role)
        across = sorted(sizes[:2], key=lambda one: -one.high)
        self._size(item, "size", across[0])
        if len(across) == 2 and "width_mm" in self.spec.model_fields:
            self._size(item, "width", across[1])
        elif len(across) == 2:
            self.notes.append(f"a {self.request.kind} is round: its {_tidy(across[1].high)} mm across is left out")
        for third in sizes[2:]:
            role = next((role for role in ("depth", "height", "thickness") if self._field(role)), "depth")
            self._size(item, role, third)
        item.meaning = ", ".join(f"{name}: {self.fields[name]}" for name in self.spec.sizes if name in self.fields)

    def _area(self, item, measure):
        """A disc's area as its diameter; in percent, of the object's visible area, of which a size is the root."""
        low, high = ((end / SQUARE_MM) ** 0.5 * (10 if measure.unit == "percent" else 1) for end in measure.ends)
        unit = measure.unit if measure.unit == "percent" else "mm"
        if "diameter_mm" not in self.spec.model_fields:
            self._note(item, f"a {self.request.kind} has no area that could be asked for")
            return
        self._size(item, "diameter", Measure(low, high, unit))

    def _degree(self, item):
        role, word = item.value
        name = self._field(role)
        if name is None or not name.endswith("_mm"):
            self._note(item, f"a {self.request.kind} has no {role}")
        elif name in self.sized:
            item.meaning = f"{name} is given in mm"
        elif self.spec.at == "axis":
            self.fields["difficulty"] = {"small": "hard", "medium": "medium", "large": "easy"}[word]
            item.meaning = f"difficulty: {self.fields['difficulty']}"
        else:
            assert word in THIRDS
            self.fields[name] = word
            self.sized.add(name)
            item.meaning = f"{name}: {word}"

    def _difficulty(self, item):
        self.fields["difficulty"] = item.value
        item.meaning = f"difficulty: {item.value}"

    def _colour(self, item):
        if "colour" not in self.spec.model_fields:
            self._note(item, f"a {self.request.kind} has no colour of its own")
            return
        self.fields["colour"] = list(item.value)
        item.meaning = f"colour: {list(item.value)}"

    def _shade(self, item):
        shade = item.value
        if "colour" not in self.spec.model_fields:
            if self.request.kind in ("crack", "hole", "pit", "burn") and shade == "darker":
                item.meaning = f"a {self.request.kind} is darker than what is about it"
            else:
                self._note(item, f"a {self.request.kind} has no colour of its own")
            return
        if self.request.kind in TINTS and shade == "lighter":
            self._note(item, f"a {self.request.kind} lets through less light, never more")
            return
        faint = "hard" in item.notes
        self.fields["colour"] = list((FAINT if faint else SHADES)[shade])
        item.meaning = f"colour: {self.fields['colour']}"
        if self.request.kind not in TINTS:
            self.notes.append(f"a {self.request.kind} has a colour of its own, whatever is about it; {shade} was taken "
                              f"as {self.fields['colour']}, so name a colour if that is not meant")

    def _place(self, item):
        said = dict(item.value)
        turn = said.pop("orientation", None)
        if turn is not None:
            self.fields.setdefault("orientation_deg", turn)
        if "avoid" in said:
            said["avoid"] = [*self.place.get("avoid", ()), *said["avoid"]]
        if "part" in said and "part" in self.place:
            said["part"] = _both(self.place["part"], said["part"])
            if said["part"] is None:
                self._note(item, f"only one part can be asked for; {self.place['part']} was said first")
                return
        for name, value in said.items():
            if name in ("where", "near") and self.place.get(name, value) != value:
                self._note(item, f"only one {name} can be asked for; {self.place[name]} was said first")
                return
            self.place[name] = value
        item.meaning = ", ".join([*(f"place.{name}: {value}" for name, value in said.items()),
                                  *([] if turn is None else [f"orientation_deg: {turn:g}"])])

    def _orientation(self, item):
        self.fields["orientation_deg"] = item.value
        item.meaning = f"orientation_deg: {self.fields['orientation_deg']:g}"

    def _show(self, item):
        effect = self.spec.effect
        if ((item.value == "geometry") and effect == "appearance") or (item.value == "colour" and self.request.kind in (
                "dent", "bump", "bend", "twist", "hole", "missing")):
            self._note(item, f"a {self.request.kind} has no {item.value} alone")
            return
        self.fields["show"] = item.value
        item.meaning = f"show: {item.value}"

    def _feature(self, item):
        fits = {name: value for name, value in item.value.items() if name in self.spec.model_fields}
        if "form" in fits and self.request.kind != "stain":
            fits = {}
        if not fits:
            self._note(item, f"a {self.request.kind} has no such form")
            return
        self.fields.update(fits)
        item.meaning = ", ".join(f"{name}: {value}" for name, value in fits.items())

    def _ratio(self, item):
        """The one of two sizes that was not said, from the one that was."""
        one, other = self._field(item.value.one), self._field(item.value.other)
        for known, wanted, times in ((one, other, 1 / item.value.times), (other, one, item.value.times)):
            size = self.fields.get(known)
            if isinstance(size, float) and wanted not in (None, known, *self.sized):
                self.fields[wanted] = _tidy(size * times)
                self.sized.add(wanted)
                item.meaning = f"{wanted}: {self.fields[wanted]}"
                return
        self._note(item, f"how many times one size is the other was said, and not both sizes of a {self.request.kind}")

    def _count(self, item):
        """How many: the request's own matter."""


def _turn(item: Item) -> int:
    """Sizes that have a name come before those that have none, and both before words."""
    if item.tag == "measure":
        return 2 if item.value.likened else 0 if item.value.role or item.value.more else 1
    return {"ratio": 2, "degree": 3}.get(item.tag, 4)


def _both(one: str, other: str) -> str | None:
    """"top" and "left" as the quarter that they share; None where they share none."""
    words = set(f"{one} {other}".split())
    rows, columns = sorted(words & {"top", "bottom"}), sorted(words & {"left", "right"})
    if len(rows) == 1 and len(columns) == 1:
        return f"{rows[0]} {columns[0]}"
    return one if one == other else None


def _tidy(number: float) -> float:
    """Without the dust of floating point: nine digits are plenty for a size."""
    return float(f"{number:.9g}")

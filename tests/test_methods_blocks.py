"""The blocks that a method may be made of: each by a law of its own, with a fault planted that the law must catch."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_replay as replaying
import toys
import truth

import crossmodal as cm
from crossmodal import captures
from crossmodal.cli import main
from crossmodal.formats.mvtec3d import written
from crossmodal.formats.sample import Head, Place, Sample
from crossmodal.methods import crops
from crossmodal.methods.algebra import Both, Either, Not, Without
from crossmodal.methods.kernels import Kernel
from crossmodal.methods.making import begun
from crossmodal.methods.perlin import Perlin
from crossmodal.methods.picture import Photograph
from crossmodal.methods.regions import Clump, Ellipse, Rectangle, Region, area_of
from crossmodal.methods.table import row_of
from crossmodal.methods.unbounded import Facing, Half
from crossmodal.methods.unrolled import Unrolled
from rgb import write_mask, write_rgb


def method(name="own", place=None, **blocks):
    if not {"content", "effect"} & set(blocks):
        blocks["effect"] = {"kind": "hills"}
    return cm.Method.model_validate({"name": name, "place": place or {}, "blocks": blocks})


def region_of(**yaml) -> Region:
    return method(region=yaml).blocks.region


@lru_cache(maxsize=1)
def tube():
    return toys.cylinder(size=128)


@lru_cache(maxsize=1)
def ribbed():
    """A plane with ridges 0.3 mm high, three to a centimetre."""
    camera = toys.toy_camera(128)
    x = np.arange(128, dtype=np.float64) * 0.25
    z = np.broadcast_to(0.3 - 1.5e-4 * (1 + np.sin(2 * np.pi * x / 3.3)), (128, 128)).astype(np.float32)
    return cm.Capture.from_depth(np.full((128, 128, 3), 150, np.uint8), z, camera, "ribbed")


@lru_cache(maxsize=8)
def laid_out(space="surface", name="pot"):
    """A canvas to lay shapes on, and its middle."""
    capture = captures.load(name)
    if space == "pixels":
        return Photograph.of(capture, False), (70.0, 80.0)
    [planned] = cm.draw(capture, method(region={"kind": "ellipse", "length_mm": 60, "width_mm": 60}), 2).defects
    canvas, _, middle = begun(capture, planned)
    return canvas, middle


def drawn(region, space="surface", seed=5):
    scale = cm.synthesis.scale_of(captures.load("pot"), cm.Place())
    return region.drawn(np.random.default_rng(seed), scale)


def support_mm(edit):
    """Extents of a field along and across the heading, in mm."""
    s0, s1, t0, t1 = edit.field.bounds_mm
    return s0, s1, t0, t1


def made(capture, asked, seed=1):
    result = cm.synthesize(capture, asked, seed=seed)
    return result, cm.grown(capture, result.plan.defects[0])


# Regions of regions


def test_operators_are_the_kinds_that_yaml_has():
    p, r, e, c = Perlin(), Rectangle(), Ellipse(), Clump()
    assert p & ~r == region_of(kind="without", parts=[{"kind": "perlin"}, {"kind": "rectangle"}])
    assert (p | r) & e == region_of(kind="and", parts=[
        {"kind": "or", "parts": [{"kind": "perlin"}, {"kind": "rectangle"}]}, {"kind": "ellipse"}])
    assert p & r & e == Both(parts=(p, r, e)) == p & (r & e)
    assert p | r | e == Either(parts=(p, r, e)) == p | (r | e)
    assert p & ~r & ~e == p & ~(r | e) == ~r & p & ~e == Without(parts=(p, r, e))
    assert p & ~r & e & ~c == Without(parts=(Both(parts=(p, e)), r, c))
    assert ~~p == p
    assert ~p & ~r == ~(p | r) == Not(part=Either(parts=(p, r)))
    assert ~p | ~r == ~(p & r)
    assert p & ~r != p & r


@pytest.mark.parametrize("space", ["surface", "pixels"])
def test_regions_of_regions_hold_what_sets_do(space):
    canvas, middle = laid_out(space)
    a, b = drawn(Ellipse(length_mm=30, width_mm=22)), drawn(Rectangle(area_percent=1.2, aspect=1.5))
    c = drawn(Half(fades_mm=3))
    in_a, in_b, in_c = (area_of(part, canvas, middle, 3).inside for part in (a, b, c))
    for region, want in ((a & b, in_a & in_b), (a | b, in_a | in_b), (a & ~b, in_a & ~in_b), (a & c, in_a & in_c),
                         (a & ~c & ~b, in_a & ~in_c & ~in_b), (~b, canvas.known & ~in_b)):
        area = area_of(region, canvas, middle, 3)
        assert (area.inside == want).all(), region.kind
        assert np.abs(area.profile).max() == pytest.approx(1)
        assert not area.profile[~want].any()
    both = Both(parts=(a, Not(part=b)))
    assert (area_of(both, canvas, middle, 3).profile == area_of(a & ~b, canvas, middle, 3).profile).all()


def check_hills_of_noise(own, joint):
    """Inside both, relief is the noise's own but for one factor."""
    at = joint.inside & (own.profile > 0.2)
    ratio = joint.profile[at] / own.profile[at]
    assert at.sum() > 50
    assert np.ptp(ratio) < 1e-4 * ratio.max()


def test_hills_of_noise_stay_hills_of_that_noise():
    canvas, middle = laid_out()
    noise = drawn(Perlin(diameter_mm=60, octaves=(2, 2), threshold=0.2))
    level = drawn(Kernel(length_mm=60, width_mm=60, form="hard"))
    own, joint = area_of(noise, canvas, middle, 3), area_of(noise & level, canvas, middle, 3)
    check_hills_of_noise(own, joint)
    with pytest.raises(AssertionError):  # a shoulder for each blob, whatever the noise is there
        check_hills_of_noise(own, area_of(drawn(Ellipse(length_mm=60, width_mm=60)) & noise, canvas, middle, 3))


@pytest.mark.parametrize("region", [{"kind": "half"}, {"kind": "not", "part": {"kind": "ellipse"}}, {
    "kind": "or", "parts": [{"kind": "ellipse"}, {"kind": "facing"}]}, {"kind": "and", "parts": [
        {"kind": "half"}, {"kind": "facing"}]}])
def test_what_has_no_end_is_no_region_by_itself(region):
    with pytest.raises(ValueError, match="where another one may lie"):
        method(region=region)


# AF3AD's kernel × frame × direction × gate


def check_gates(edit, half, facing_mm):
    """Where a tube's normal is within the angle, and ahead of the middle alone, if so; but for a cell."""
    s0, s1, t0, t1 = support_mm(edit)
    step = 2 * edit.field.step_mm
    assert s0 > -step or not half, "behind the middle"
    assert max(-t0, t1) < facing_mm + step + 0.3, "it folds away too far"
    assert min(-t0, t1) > facing_mm - step - 0.3
    assert s1 > 6


@pytest.mark.parametrize("form", ["hard", "cosine"])
def test_gates_leave_one_side_and_what_faces_as_the_middle_does(form):
    kernel = {"kind": "kernel", "form": form, "length_mm": 18, "width_mm": 24}
    shape = {"effect": {"kind": "hills", "direction": "out", "height_mm": 0.8}, "along": "least",
             "place": {"at_pixel": (64, 64)}}
    gated = method(region={"kind": "and", "parts": [kernel, {"kind": "facing", "within_deg": 20}, {"kind": "half"}]},
                   **shape)
    result, edit = made(tube(), gated)
    check_gates(edit, True, 25 * np.deg2rad(20))
    assert agreement.check_L9(result, "out")
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(tube(), result)
    assert edit.field.highest_mm == pytest.approx(0.8, rel=1e-5)
    with pytest.raises(AssertionError):
        check_gates(made(tube(), method(region=kernel, **shape))[1], True, 25 * np.deg2rad(20))


def test_a_heading_runs_along_the_way_in_which_the_surface_bends():
    axis = np.array((np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20)), 0))
    blocks = {"region": {"kind": "kernel", "length_mm": 14, "width_mm": 5}, "effect": {"kind": "hills"}}
    ways = set()
    for seed in range(4):
        at = {way: np.array(cm.draw(tube(), method(along=way, **blocks), seed).defects[0].heading)
              for way in ("least", "most", "drawn")}
        assert abs(at["least"] @ axis) > 0.999
        assert abs(at["most"] @ axis) < 0.03
        assert abs(at["drawn"] @ axis) < 0.999
        assert at["least"] @ at["drawn"] > 0
        ways.add(bool(at["least"] @ axis > 0))
    assert ways == {True, False}, "both ways are drawn"
    flat = [cm.draw(toys.plane(), method(along=way, **blocks), 3).defects[0].heading for way in ("least", "drawn")]
    assert np.allclose(*flat), "a plane tells none"
    with pytest.raises(ValueError, match="does not bend"):
        method(along="least", space="pixels", **blocks)


def test_a_hard_kernel_is_a_step():
    blocks = {"effect": {"kind": "hills", "direction": "in", "height_mm": 0.5}}
    for form, level in (("hard", True), ("cosine", False)):
        _, edit = made(toys.plane(), method(region={"kind": "kernel", "form": form, "length_mm": 8, "width_mm": 8},
                                            **blocks))
        d = edit.field.displacement_mm
        assert bool((d[d < 0] == np.float32(-0.5)).all()) == level


def over_canvas(field):
    """(h, w): a field's displacement over all of its canvas."""
    out = np.zeros(field.shape, np.float32)
    out[tuple(slice(i, i + n) for i, n in zip(field.first, field.displacement_mm.shape, strict=True))] = (
        field.displacement_mm)
    return out


def check_slid(d, still, far_cells, towards):
    """d at a column is the still relief so many cells behind it, a share of how high that relief was here."""
    h, w = d.shape
    row = d[h // 2]
    for column in range(w // 2 - 20, w // 2 + 21):
        behind = column - far_cells * abs(still[h // 2, column]) / towards
        low = int(np.floor(behind))
        want = np.interp(behind, (low, low + 1), still[h // 2, low:low + 2])
        assert row[column] == pytest.approx(want, abs=0.02 * towards)


def test_hills_under_a_slide_move_askance():
    """AF3AD's direction between normal and tangent: height along the one, a slide along the other, of one kernel."""
    blocks = {"region": {"kind": "kernel", "length_mm": 12, "width_mm": 10},
              "effect": {"kind": "hills", "direction": "out", "height_mm": 1}}
    slide = {"kind": "slide", "along_mm": 2, "stretched": True}
    result, askance = made(toys.plane(), method(content=slide, **blocks))
    _, still = made(toys.plane(), method(**blocks))
    assert askance.field.step_mm == still.field.step_mm
    check_slid(over_canvas(askance.field), over_canvas(still.field), 2 / still.field.step_mm, 1.0)
    replaying.check_L10(toys.plane(), result)
    with pytest.raises(AssertionError):
        check_slid(over_canvas(still.field), over_canvas(still.field), 2 / still.field.step_mm, 1.0)


# The library of masks


def library(folder, marks=3):
    """Masks of an L, its long side across, and, to be passed over, an empty one."""
    shape = np.zeros((60, 80), np.uint8)
    shape[20:30, 10:60] = 255
    shape[30:40, 10:20] = 255
    folder.mkdir(parents=True, exist_ok=True)
    write_mask(folder / "good.png", np.zeros((60, 80), np.uint8))
    for i in range(marks):
        write_mask(folder / f"{i}.png", np.where(shape > 0, np.uint8(i + 1), np.uint8(0)))
    return shape > 0


def check_is_the_mask(edit, marked, planned):
    """The field's support is the mask, mirrored as the plan says, laid in mm: all but its border."""
    field, mask = edit.field, planned.blocks.region.mask
    down, across = mask.sides_mm
    rows, columns = np.nonzero(marked)
    box = marked[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    box = box[:, ::-1] if mask.flipped else box
    # A cell of half a pixel of the mask, at the middles of those: away from any border.
    t, s = ((np.arange(n) + 0.5) / n - 0.5 for n in box.shape)
    s, t = np.meshgrid(s * across, t * down)
    got = field.sample(s.ravel(), t.ravel()).support.reshape(box.shape)
    assert (got == box).mean() > 0.97


@pytest.mark.parametrize("space", ["surface", "pixels"])
def test_a_mask_of_the_library_is_laid_in_mm_and_replays(tmp_path, space):
    marked = library(tmp_path / "masks")
    capture = captures.load("pot")
    asked = method(space=space, region={"kind": "library", "folder": str(tmp_path / "masks"), "length_mm": 24},
                   content={"kind": "plain", "colour": (150, 30, 30)})
    seen = set()
    for seed in range(6):
        result = cm.synthesize(capture, asked, seed=seed)
        [planned] = result.plan.defects
        mask = planned.blocks.region.mask
        assert mask.name != "good.png"
        assert max(mask.sides_mm) == pytest.approx(24)
        assert 0.85 <= mask.sides_mm[0] / mask.sides_mm[1] * 50 / 20 <= 1.15
        seen.add((mask.name, mask.flipped))
    assert {flipped for _, flipped in seen} == {True, False}
    assert len({name for name, _ in seen}) > 1
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    assert cm.draw(capture, asked, 5) == result.plan
    if space == "surface":
        on_plane, edit = made(toys.plane(size=128), asked, seed=2)
        [there] = on_plane.plan.defects
        check_is_the_mask(edit, marked, there)
        with pytest.raises(AssertionError):
            check_is_the_mask(edit, marked[:, ::-1], there)
    undrawn = json.loads(result.plan.model_dump_json())
    undrawn["defects"][0]["blocks"]["region"]["mask"] = None
    with pytest.raises(ValueError, match="mask"):
        cm.Plan.model_validate(undrawn)
    write_mask(tmp_path / "masks" / mask.name, np.eye(60, dtype=np.uint8))
    with pytest.raises(ValueError, match="sha256 differs"):
        cm.replay(capture, result.plan)


def test_a_mask_and_a_texture_are_planned_each_by_its_own_hash(tmp_path):
    library(tmp_path / "masks")
    (tmp_path / "bank").mkdir()
    write_rgb(tmp_path / "bank/a.png", np.full((40, 60, 3), (90, 160, 40), np.uint8))
    two = {"kind": "library", "folder": str(tmp_path / "masks"), "length_mm": "10%"}
    asked = method(region={"kind": "or", "parts": [two, {**two, "length_mm": "15%"}]},
                   content={"kind": "texture", "bank": str(tmp_path / "bank"), "augment": 0})
    capture = captures.load("pot")
    result = cm.synthesize(capture, asked, seed=3)
    [planned] = result.plan.defects
    assert planned.texture.name == "a.png"
    first, second = (part.mask for part in planned.blocks.region.parts)
    assert first.sides_mm != second.sides_mm
    assert planned.blocks.region.parts[0].resized(2).box_mm() == tuple(2 * side for side in first.sides_mm)
    replaying.check_L10(capture, result)


@pytest.mark.parametrize(("files", "said"), [
    ({}, "holds no masks"), ({"a.png": np.zeros((9, 9), np.uint8)}, "1 masks and all are empty"),
    ({"a.png": np.ones((9, 9), np.uint8)}, "marks all of its picture"),
    ({"a.png": np.dstack([np.eye(9, dtype=np.uint8) * k for k in (10, 20, 30)])}, "is a colour picture")])
def test_what_is_no_library_is_refused_in_one_line(tmp_path, files, said):
    for name, pixels in files.items():
        (write_mask if pixels.ndim == 2 else write_rgb)(tmp_path / name, pixels)
    asked = method(region={"kind": "library", "folder": str(tmp_path)})
    with pytest.raises(ValueError, match=said) as refused:
        cm.draw(captures.load("pot"), asked, 1)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_of_a_tree_its_ground_truths_are_the_library(tmp_path):
    library(tmp_path / "ground_truth/cut")
    write_rgb(tmp_path / "picture.png", np.zeros((9, 9, 3), np.uint8))
    [planned] = cm.draw(captures.load("pot"), method(region={"kind": "library", "folder": str(tmp_path)}), 1).defects
    assert planned.blocks.region.mask.name.startswith("ground_truth/cut/")


# Real defects, cut out


def spoilt(tilt):
    """A leaning plane with a bump of a colour of its own, known in mm."""
    capture = toys.tilted_plane(tilt, size=128, textured=False)
    asked = method("spoilt", region={"kind": "kernel", "form": "poly", "length_mm": 9, "width_mm": 6},
                   content={"kind": "plain", "colour": (170, 60, 50)},
                   effect={"kind": "hills", "direction": "out", "height_mm": 0.8})
    return cm.synthesize(capture, asked, seed=2)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """An MVTec 3D-AD tree with one labelled defect on a plane that leans by 30°, and that result."""
    out, result = tmp_path_factory.mktemp("labelled") / "part", spoilt(30)
    head = Head({"good": 0, "bump": 255}, ("part",), ("bump", "good"), frozenset({"rgb", "xyz", "gt"}))
    with written(out, head) as put:
        for kind, seen, gt in (("good", result.before, None), ("bump", result.after, result.gt)):
            levels = None if gt is None else np.where(gt, np.uint8(255), np.uint8(0))
            put(Place("part", "test", kind, "000"), Sample(seen.rgb, seen.points, seen.camera, levels))
    return out, result


def crop(folder, **more):
    return {"region": {"kind": "outline"}, "content": {"kind": "crop", "folder": str(folder), **more},
            "effect": {"kind": "paste"}}


def check_is_the_defect(result, edit, source, scale=1.0):
    """As high, as large and of such a colour as what it was cut from, in mm, on another plane."""
    own, got = source.measured[0], result.measured[0]
    assert edit.field.highest_mm == pytest.approx(scale * 0.8, rel=0.08)
    assert edit.field.deepest_mm < 0.05 * scale
    assert got.area_mm2 == pytest.approx(scale**2 * own.area_mm2, rel=0.12)
    assert got.length_mm == pytest.approx(scale * own.length_mm, rel=0.08)
    there, here = (np.median(one.after.rgb[one.gt].astype(float), axis=0) for one in (source, result))
    assert np.abs(there / there.sum() - here / here.sum()).max() < 0.02


@pytest.mark.parametrize("scale", [1.0, 1.4])
def test_a_crop_is_the_defect_that_it_was_cut_from(labelled, scale, monkeypatch):
    folder, source = labelled
    capture = toys.plane(size=128, textured=False)
    result, edit = made(capture, method(**crop(folder, scale=scale, kinds=["bump", "hole"])))
    check_is_the_defect(result, edit, source, scale)
    agreement.check_L3(result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    if scale == 1:  # raw heights in the camera's axes: the plane's own slant goes with them
        raw = property(lambda self: 1e3 * np.where(self.known, self._taken(np.ascontiguousarray(
            -self.capture.surface.smoothed[self.patch.window][..., 2]), 1) + self.patch.anchor_m[2], 0).astype("f4"))
        monkeypatch.setattr(Unrolled, "relief_mm", raw)
        with pytest.raises(AssertionError):
            check_is_the_defect(*made(capture, method(**crop(folder))), source)


def test_a_crop_stays_where_it_is_when_its_plan_is_moved_and_is_held_to_its_files(labelled, tmp_path):
    folder, _ = labelled
    copy = tmp_path / "part"
    for path in folder.rglob("*.*"):
        (copy / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(folder)).write_bytes(path.read_bytes())
    result, _ = made(toys.plane(size=128), method(**crop(copy)))
    [planned] = result.plan.defects
    moved = planned.moved(truth.rotation((0, 1, 0), 20))
    assert moved.elsewhere_m == planned.elsewhere_m
    assert moved.anchor_m != planned.anchor_m
    write_mask(copy / "test/bump/gt/000.png", np.eye(128, dtype=np.uint8))
    with pytest.raises(ValueError, match="sha256 differs"):
        cm.replay(toys.plane(size=128), result.plan)


def test_a_crop_of_a_photograph_turns_and_has_no_relief(labelled):
    folder, source = labelled
    blocks = crop(folder) | {"space": "pixels", "on_object": False, "effect": {"kind": "none"}}
    capture = toys.plane(size=128, textured=False)
    result, _ = made(capture, method(**blocks))
    assert result.masks.rgb.sum() == pytest.approx(source.gt.sum(), rel=0.1)
    assert result.after.points.tobytes() == capture.points.tobytes()
    replaying.check_L10(capture, result)
    turned, _ = made(capture, method(orientation_deg=0, **blocks))
    assert turned.masks.rgb.sum() == pytest.approx(source.gt.sum(), rel=0.05)


@pytest.mark.parametrize("layout", [
    "rgb/000.png depth/000.npy masks/000.png", "000_color.png 000_depth.npy 000_mask.png",
    "part/rgb.png part/depth.npy part/gt.png"])
def test_masks_are_found_beside_plain_captures(tmp_path, layout):
    capture, (picture, depth, mask) = toys.plane(size=128), (tmp_path / name for name in layout.split())
    for path in (picture, depth, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_rgb(picture, capture.rgb)
    np.save(depth, capture.depth)
    gt = np.zeros(capture.shape, np.uint8)
    gt[40:60, 50:80] = 1
    write_mask(mask, gt)
    camera = capture.camera
    (picture.parent / "intrinsics.json").write_text(json.dumps(
        {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy, "width": 128, "height": 128}))
    [one] = crops.listed(str(tmp_path))
    assert (one.read() == (gt > 0)).all()
    planned, cut = crops.picked_of(str(tmp_path), (), np.random.default_rng(0))
    assert (cut.marks == (gt > 0)).all()
    assert cut.pixel == pytest.approx((64.5, 49.5), abs=1)
    assert planned.name == one.source.path


def test_what_holds_no_labelled_defect_is_refused_in_one_line(labelled, tmp_path):
    folder, _ = labelled
    capture = toys.plane(size=128)
    for more, said in (({"folder": str(folder / "test/good"), "kinds": ()}, "marks no defect"),
                       ({"folder": str(folder), "kinds": ("dent",)}, "holds no dent; it holds bump"),
                       ({"folder": str(Path(captures.__file__).parent)}, "no masks of defects"),
                       ({"folder": str(tmp_path)}, "holds no captures")):
        blocks = crop(folder)
        blocks["content"] = {"kind": "crop", **more}
        with pytest.raises(ValueError, match=said) as refused:
            cm.draw(capture, method(**blocks), 1)
        assert "\n" not in str(refused.value)
    with pytest.raises(ValueError, match="outline is that of a crop"):
        method(region={"kind": "outline"}, content={"kind": "plain"})


def test_a_real_hole_is_one_again_on_another_part(shared):
    """Its cavity and its rim go along, and its colours."""
    folder = shared / "data/mvtec3d_sample/cable_gland"
    if not folder.is_dir():
        pytest.skip("no MVTec sample")
    capture = cm.read_capture(folder / "train/good/rgb/000.png", folder / "train/good/xyz/000.tiff")
    result, edit = made(capture, method(blend={"kind": "feather"}, **crop(folder, kinds=["hole"])))
    agreement.check_L3(result)
    assert agreement.check_L5(result.before, result.after, result.masks)
    replaying.check_L10(capture, result)
    assert 0.5 < edit.field.deepest_mm < 2
    assert 0.2 < edit.field.highest_mm < 1.2
    assert result.visibility[0].seen_in == ("rgb", "depth", "points")


# Matter that lies on the surface


def check_level(capture, planned, edit):
    """Its top is level where it fills ridges: as high over the coarse shape on a crest as in a valley."""
    canvas, _, middle = begun(capture, planned)
    field = edit.field
    box = tuple(slice(first, first + n) for first, n in zip(field.first, field.displacement_mm.shape, strict=True))
    high = area_of(planned.blocks.region, canvas, middle, planned.texture_seed).profile[box] > 0.6
    top = (field.displacement_mm + canvas.relief_mm[box])[high]
    assert high.sum() > 100
    assert np.ptp(canvas.relief_mm[box][high]) > 0.2
    assert np.ptp(top) < 1e-4


def test_a_deposit_fills_what_it_lies_on():
    capture = ribbed()
    blocks = {"region": {"kind": "ellipse", "length_mm": 14, "width_mm": 12},
              "content": {"kind": "plain", "colour": (60, 90, 50)}}
    result, edit = made(capture, method(effect={"kind": "deposit", "height_mm": 0.6, "edge": 0.5}, **blocks))
    check_level(capture, result.plan.defects[0], edit)
    agreement.check_L3(result)
    assert agreement.check_L9(result, "add")
    assert agreement.check_L5(result.before, result.after, result.masks)
    assert edit.field.matter
    replaying.check_L10(capture, result)
    hills, raised = made(capture, method(effect={"kind": "hills", "direction": "out", "height_mm": 0.6}, **blocks))
    with pytest.raises(AssertionError):
        check_level(capture, hills.plan.defects[0], raised)
    thin, film = made(capture, method(effect={"kind": "deposit", "height_mm": 0.02, "edge": 0.5}, **blocks))
    bare = film.field.cover[..., 3] == 0
    assert (film.field.displacement_mm[bare] == 0).all()
    assert 0.2 < (film.field.displacement_mm > 0).mean() < 0.8, "crests poke through what is thin"
    assert (film.field.displacement_mm >= 0).all()
    assert thin.masks.depth.any()
    bare, _ = made(capture, method(sharing=["geometry"], effect={"kind": "deposit", "height_mm": 0.6}, **blocks))
    assert bare.masks.depth.any()


def test_a_deposit_lies_in_the_cloud_as_it_does_in_the_picture():
    capture = ribbed()
    result, edit = made(capture, method(
        region={"kind": "ellipse", "length_mm": 10, "width_mm": 10}, content={"kind": "plain", "colour": (60, 90, 50)},
        effect={"kind": "deposit", "height_mm": 0.6}))
    assert agreement.check_L4(result, *agreement.through_cloud(capture, edit))


# The gate


GATES = ({"area_percent": [1.2, 2.2]}, {"contrast": 120}, {"levels": 9}, {"overlap": 0.9})


def check_passes(result, gate):
    surface = result.before.surface
    if "area_percent" in gate:
        low, high = gate["area_percent"]
        assert low <= 100 * surface.pixel_area_mm2[result.gt].sum() / surface.object_mm**2 <= high
    [seen] = result.visibility
    assert max(seen.rgb_contrast, seen.depth_contrast) >= gate.get("contrast", 0)
    change = np.abs(result.after.rgb[result.gt].astype(float) - result.before.rgb[result.gt])
    assert change.mean() >= gate.get("levels", 0)
    if "overlap" in gate:
        [planned] = result.plan.defects
        region = planned.blocks.region
        free, _, middle = begun(result.before, planned)
        shape = area_of(region, replace(free, shown=np.ones(free.shape, bool)), middle, planned.texture_seed).inside
        assert (shape & surface.foreground).sum() >= gate["overlap"] * shape.sum()


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: next(iter(gate)))
def test_a_gate_keeps_the_first_draw_that_passes(gate):
    capture = captures.load("pot")
    blocks = {"region": {"kind": "bezier"}, "content": {"kind": "shift"}, "effect": {"kind": "paste"}}
    if "overlap" in gate:
        blocks |= {"space": "pixels", "on_object": False, "effect": {"kind": "none"},
                   "region": {"kind": "rectangle", "area_percent": 4}}
    refused = 0
    for seed in range(8):
        free = cm.draw(capture, method(**blocks), seed).defects[0]
        [kept] = cm.draw(capture, method(gate=gate, **blocks), seed).defects
        assert cm.draw(capture, method(gate=gate, **blocks), seed).defects == (kept,)
        assert (kept.refused == 0) == (kept.anchor_m == free.anchor_m)
        result = cm.synthesize(capture, method(gate=gate, **blocks), seed=seed)
        check_passes(result, gate)
        if kept.refused:
            refused += 1
            with pytest.raises(AssertionError):
                check_passes(cm.synthesize(capture, method(**blocks), seed=seed), gate)
            replaying.check_L10(capture, result)
    assert 0 < refused < 8


def test_a_gate_that_nothing_passes_says_why_in_one_line():
    capture = captures.load("pot")
    for gate, said in (({"levels": 250, "tries": 2}, "none of 2 draws of own passes its gate, of the last its colour"),
                       ({"area_percent": [90, 100], "tries": 1}, "% of the object")):
        with pytest.raises(ValueError, match=said) as refused:
            cm.draw(capture, method(region={"kind": "ellipse"}, content={"kind": "plain"}, gate=gate), 1)
        assert "\n" not in str(refused.value)
    for gate in ({"tries": 0}, {"tries": 100}, {"overlap": 2}, {"levels": -1}, {"area_percent": [5, 1]}, {"more": 1}):
        with pytest.raises(ValueError, match=next(iter(gate))):
            method(region={"kind": "ellipse"}, gate=gate)


# All of it as a method of one's own

OWN = """\
name: real-goo
about: Goo in the shape of real defects, on the upper side, in plain sight.
blocks:
  along: least
  region: {kind: and, parts: [{kind: library, folder: FOLDER, length_mm: 12%}, {kind: facing, within_deg: 60}]}
  content: {kind: plain, colour: [60, 90, 50]}
  effect: {kind: deposit, height_mm: 2%}
  gate: {overlap: 0.7, contrast: 20}
"""


def test_ten_lines_of_yaml_and_of_python_are_one_method(tmp_path, capsys):
    from crossmodal.methods.contents import Plain
    from crossmodal.methods.effects import Deposit
    from crossmodal.methods.gate import Gate
    from crossmodal.methods.library import Library
    from crossmodal.methods.spec import Blocks

    library(tmp_path / "masks")
    path = tmp_path / "goo.yaml"
    path.write_text(OWN.replace("FOLDER", str(tmp_path / "masks")), encoding="utf-8")
    here = cm.Method(
        name="real-goo", about="Goo in the shape of real defects, on the upper side, in plain sight.",
        blocks=Blocks(along="least",
                      region=Library(folder=str(tmp_path / "masks"), length_mm="12%") & Facing(within_deg=60),
                      content=Plain(colour=(60, 90, 50)),
                      effect=Deposit(height_mm="2%"),
                      gate=Gate(overlap=0.7, contrast=20)))
    assert cm.method(path) == here == cm.Method.model_validate_json(here.model_dump_json())
    row = row_of(here, None)
    assert (row.rgb, row.depth, row.needs) == ("one colour", "matter on it", "capture; a folder of masks")
    source = Path(captures.__file__).parent
    assert main(["synthesize", str(source), "--out", str(tmp_path / "out"), "--methods", str(path), "--count", "2",
                 "--only-defects"]) == 0
    assert main(["replay", str(tmp_path / "out/manifest.jsonl"), "--source", str(source), "--out",
                 str(tmp_path / "again")]) == 0
    assert "2 with the bytes" in capsys.readouterr().out

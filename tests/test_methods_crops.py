"""Real defects, cut out of captures and laid down elsewhere, in mm and in their own colours."""

import json
from pathlib import Path

import laws_agreement as agreement
import numpy as np
import pytest
import test_laws_replay as replaying
import toys
import truth
from block_runs import made, method
from method_files import labelled_tree

import crossmodal as cm
from crossmodal import captures
from crossmodal.methods import crops
from crossmodal.methods.unrolled import Unrolled
from rgb import write_mask, write_rgb


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """An MVTec 3D-AD tree with one labelled defect on a plane that leans by 30°, and that result."""
    out = tmp_path_factory.mktemp("labelled") / "part"
    return out, labelled_tree(out)


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

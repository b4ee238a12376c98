"""Inpainting by diffusion, on small pipelines of random weights that are saved to a folder and loaded from there."""

import json
from dataclasses import replace

import numpy as np
import pytest
import toys
import trees

import crossmodal as cm
from crossmodal.cli import main
from crossmodal.inpaint import Model, Sampling, inpaint, models
from crossmodal.inpaint.crop import Crop, nearness
from crossmodal.lifted_views import seen_from
from rgb import read_mask, read_rgb, to_linear, write_mask
from rgb.shading import to_srgb

FEW = Sampling(seed=5, steps=2)
TEXT = "rust around the hole"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pipelines by name: sd, plain and xl, and a ControlNet."""
    import diffusers_toys as toy

    root = tmp_path_factory.mktemp("models")
    for save, name in ((toy.save_sd, "sd"), (toy.save_plain_sd, "plain"), (toy.save_control, "control"),
                       (toy.save_xl, "xl")):
        save(root / name)
    return root


def a_mask(shape, rows=(61, 84), columns=(70, 101)):
    mask = np.zeros(shape, bool)
    mask[rows[0]:rows[1], columns[0]:columns[1]] = True
    return mask


def check_outside(before, after, mask):
    """Not one bit outside the mask changed, and something inside did."""
    differs = (before != after).any(-1)
    assert not (differs & ~mask).any(), "the picture changed outside the mask"
    assert differs[mask].mean() > 0.5


@pytest.mark.parametrize("name", ["sd", "plain", "xl"])
def test_not_one_bit_outside_the_mask_changes(folder, name):
    capture = toys.sphere()
    mask = a_mask(capture.shape)
    painted = inpaint(capture, TEXT, str(folder / name), mask, sampling=FEW)
    check_outside(capture.rgb, painted.rgb, mask)
    check_outside(capture.rgb, painted.result.after.rgb, mask)
    assert painted.result.after.points.tobytes() == capture.points.tobytes()
    spoilt = painted.rgb.copy()
    spoilt[0, 0, 0] ^= 1
    with pytest.raises(AssertionError):
        check_outside(capture.rgb, spoilt, mask)


def test_the_same_seed_gives_the_same_bytes_and_the_plan_replays_without_a_model(folder, monkeypatch):
    capture, mask, model = toys.sphere(), a_mask((160, 160)), str(folder / "sd")
    one, same = (inpaint(capture, TEXT, model, mask, sampling=FEW) for _ in range(2))
    other = inpaint(capture, TEXT, model, mask, sampling=replace(FEW, seed=6))
    assert one.rgb.tobytes() == same.rgb.tobytes() != other.rgb.tobytes()
    monkeypatch.setattr("crossmodal.inpaint.models._loaded", None)
    again = cm.replay(capture, cm.Plan.model_validate_json(one.result.plan.model_dump_json()))
    assert again.after.rgb.tobytes() == one.result.after.rgb.tobytes()


def test_text_steps_strength_guidance_and_what_not_to_paint_all_count(folder):
    capture, mask, model = toys.sphere(), a_mask((160, 160)), str(folder / "sd")
    told = []
    pictures = {inpaint(capture, text, model, mask, sampling=how, tell=lambda *step: told.append(step)).rgb.tobytes()
                for text, how in ((TEXT, FEW), ("a deep scratch", FEW), (TEXT, replace(FEW, steps=3)),
                                  (TEXT, replace(FEW, steps=4, strength=0.5)), (TEXT, replace(FEW, guidance=1.0)),
                                  (TEXT, replace(FEW, negative="clean")))}
    assert len(pictures) == 6
    assert told[:5] == [(1, 2), (2, 2), (1, 2), (2, 2), (1, 3)]


@pytest.mark.parametrize(("shape", "rows", "columns"), [((97, 131), (3, 20), (111, 131)), ((50, 41), (20, 31), (0, 9)),
                                                        ((300, 300), (100, 231), (130, 163))])
def test_odd_sizes_are_cut_whole_and_laid_back_at_native_size(shape, rows, columns):
    rng = np.random.default_rng(0)
    picture, mask = rng.integers(0, 256, (*shape, 3), np.uint8), a_mask(shape, rows, columns)
    crop = Crop.around(mask, 8, 64)
    cut = crop.cut(picture)
    assert cut.shape[:2] == crop.shape
    assert crop.shape[0] % 8 == crop.shape[1] % 8 == 0
    assert crop.cut(mask).sum() >= mask.sum()
    assert min(crop.shape) >= min(64, *shape)
    assert (crop.laid(picture, cut, mask) == picture).all(), "a picture laid back on itself is itself"
    laid = crop.laid(picture, 255 - cut, mask)
    check_outside(picture, laid, mask)
    core = a_mask(shape, (rows[0] + 4, rows[1] - 4), (columns[0] + 4, columns[1] - 4))
    assert (laid[core] == 255 - picture[core]).all()


def test_what_a_control_net_is_fed_is_our_edited_depth(folder, monkeypatch):
    """Inverse depth of the result over the crop: a dent is farther, so darker, than in the capture's own."""
    capture = toys.plane()
    dent = cm.Recipe(defects=(cm.Dent(diameter_mm=8, depth_mm=1.5),), place=cm.Place(at_pixel=(80, 80)))
    result = cm.synthesize(capture, dent, seed=1)
    fed: list[np.ndarray] = []
    loaded = models._loaded

    def listening(model):
        pipeline = loaded(model)

        def call(**given):
            fed.append(np.asarray(given["control_image"]))
            return pipeline(**given)
        call.vae, call.unet = pipeline.vae, pipeline.unet
        return call

    monkeypatch.setattr(models, "_loaded", listening)
    model = Model(str(folder / "plain"), control=str(folder / "control"))
    painted = inpaint(result, None, model, sampling=FEW)
    assert painted.text == " ".join(cm.guidance.captions(result))
    check_outside(result.after.rgb, painted.rgb, result.gt)
    crop = Crop.around(result.gt, 8, 32)
    (control,) = fed
    inverse = 1 / crop.cut(result.after.depth).astype(float)
    want = 255 * (inverse - inverse.min()) / np.ptp(inverse)
    assert np.abs(control - want[..., None]).max() <= 0.5 + 1e-9
    assert np.corrcoef(control[..., 0].ravel(), crop.cut(np.nan_to_num(result.displacement_mm)).ravel())[0, 1] > 0.99
    assert (nearness(crop.cut(capture.depth)) != control).any()
    # The dent stays, with the paint on it; one plan holds both and replays.
    assert painted.result.after.depth.tobytes() == result.after.depth.tobytes()
    assert [one.source for one in painted.result.plan.defects] == ["grown", "lifted"]
    again = cm.replay(capture, cm.Plan.model_validate_json(painted.result.plan.model_dump_json()))
    assert again.after.rgb.tobytes() == painted.result.after.rgb.tobytes()
    # A flat control paints another picture: the net is heard.
    monkeypatch.setattr("crossmodal.inpaint.paint.nearness", lambda depth: np.zeros((*depth.shape, 3), np.uint8))
    assert inpaint(result, None, model, sampling=FEW).rgb.tobytes() != painted.rgb.tobytes()


def test_a_relief_goes_along_and_is_seen_in_depth(folder):
    capture, mask = toys.sphere(), a_mask((160, 160))
    painted = inpaint(capture, TEXT, str(folder / "sd"), mask, sampling=FEW, relief=cm.Profile(depth_mm=0.6))
    assert painted.result.measured[0].max_depth_mm == pytest.approx(0.6, abs=0.02)
    assert painted.result.masks.depth.any()
    with pytest.raises(ValueError, match="confidence of 0"):  # noise is no relief
        inpaint(capture, TEXT, str(folder / "sd"), mask, sampling=FEW, relief="shading")


def test_what_is_missing_or_wrong_is_one_line(folder, tmp_path):
    capture, mask = toys.sphere(), a_mask((160, 160))
    model = str(folder / "sd")
    for wrong, said in (({"model": "runwayml/stable-diffusion-inpainting"},
                         r"runwayml/stable-diffusion-inpainting is no folder with an inpainting .* cache .*hub"),
                        ({"model": Model(model, control="lllyasviel/depth")}, "lllyasviel/depth is no folder with a C"),
                        ({"model": Model(model, offload=True)}, "offloading moves parts.*sees none"),
                        ({"mask": None}, "needs a mask"), ({"mask": mask & False}, "mask is empty"),
                        ({"mask": mask[:50]}, r"mask must be bool \(160, 160\)"), ({"text": None}, "no words"),
                        ({"text": "  "}, "no words")):
        given = {"text": TEXT, "model": model, "mask": mask} | wrong
        with pytest.raises(ValueError, match=said) as error:
            inpaint(capture, given["text"], given["model"], given["mask"], sampling=FEW)
        assert "\n" not in str(error.value)
    for wrong in ({"seed": -1}, {"steps": 0}, {"strength": 0.0}, {"strength": 1.5}, {"guidance": float("nan")},
                  {"steps": 3, "strength": 0.2}):
        with pytest.raises(ValueError, match=r"but got|are none"):
            Sampling(**wrong)


# a rig


def rig(turn_deg=14.0) -> cm.Rig:
    """A ball before a wall from two places, and the pose of the second."""
    from crossmodal.scanner import Plane, Sphere, rotation_about, scan

    centre = np.array((0, 0, 0.33))
    turn = rotation_about((0, 1, 0), turn_deg)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = turn, centre - turn @ centre  # the second camera looks at the same point
    lamp = toys.LAMP
    views = []
    for pose in (np.eye(4), T):
        back = np.linalg.inv(pose)
        c, n = back[:3, :3] @ centre + back[:3, 3], back[:3, :3] @ np.array((0, 0, -1.0))
        wall = back[:3, :3] @ np.array((0, 0, 0.37)) + back[:3, 3]
        views.append(scan([Sphere(c, 0.03), Plane(wall, n)], toys.toy_camera(), replace(
            lamp, direction=back[:3, :3] @ lamp.direction), toys.PLAIN, name=f"view {len(views)}"))
    return cm.Rig(tuple(views), (np.eye(4), T))


def check_views(rig, results, centre, radius_m, gain, inside_m):
    """Every view shows the gain within a ball about the centre (rig's axes), away from its edge, and nowhere else."""
    for view, pose, result in zip(rig.views, rig.T_rig_camera, results, strict=True):
        far = np.linalg.norm(view.points @ pose[:3, :3].T + pose[:3, 3] - centre, axis=-1)
        got = to_linear(result.after.rgb)[..., 1] / to_linear(view.rgb)[..., 1]
        inside, outside = far < radius_m - inside_m, far > radius_m + inside_m
        assert inside.any()
        assert np.abs(got[inside] - gain).max() < 0.06, "the material is not where it was put"
        assert (result.after.rgb[outside] == view.rgb[outside]).all()


def test_lifted_material_and_relief_are_seen_in_every_view_of_a_rig():
    scene = rig()
    first = scene.views[0]
    at = first.points[78, 92]
    far = np.linalg.norm(first.points - at, axis=-1)
    spot, gain, radius = far < 0.006, 0.4, 0.006
    rgb = np.where(spot[..., None], to_srgb(to_linear(first.rgb) * np.float32(gain)), first.rgb)
    edit = cm.lift(first, rgb=rgb, relief=cm.Profile(depth_mm=0.5), mask=spot)
    results = cm.imprint(scene, edit)
    check_views(scene, results, at, radius, gain, 6e-4)
    for result in results:
        assert np.nanmin(result.displacement_mm) == pytest.approx(-0.5, abs=0.05)
    shifted = (seen_from(scene, edit, 0)[1],)
    wrong = replace(shifted[0], columns=tuple(x + 6 for x in shifted[0].columns))
    with pytest.raises(AssertionError):
        check_views(scene, (results[0], cm.imprint(scene.views[1], wrong)), at, radius, gain, 6e-4)
    # One plan for the rig, and one for each view.
    again = cm.replay(scene, cm.Plan(capture=first.name, defects=(edit.planned,)))
    alone = [cm.replay(view, result.plan) for view, result in zip(scene.views, results, strict=True)]
    for result, same, own in zip(results, again, alone, strict=True):
        assert result.after.rgb.tobytes() == same.after.rgb.tobytes() == own.after.rgb.tobytes()
        assert result.after.points.tobytes() == same.after.points.tobytes() == own.after.points.tobytes()
    depth = first.depth.copy()
    depth[spot] += np.float32(1e-3)
    with pytest.raises(ValueError, match="belongs to its own view"):
        cm.imprint(scene, cm.lift(first, depth=depth))


def test_paint_on_a_dent_in_a_rig_keeps_the_dent():
    scene = rig()
    first = scene.views[0]
    recipe = cm.Recipe(defects=(cm.Dent(diameter_mm=9, depth_mm=0.8),), place=cm.Place(at_pixel=(80, 80)))
    plan = cm.draw(first, recipe, 1)
    dented = cm.synthesize(scene, plan)
    rgb = np.where(dented[0].gt[..., None], dented[0].after.rgb // 2, dented[0].after.rgb)
    edit = cm.lift(dented[0].after, rgb=rgb, mask=dented[0].gt)
    both = cm.synthesize(scene, plan.model_copy(update={"defects": (*plan.defects, edit.planned)}))
    for one, two in zip(dented, both, strict=True):
        assert one.after.depth.tobytes() == two.after.depth.tobytes()
        darker = to_linear(two.after.rgb).mean(-1)[one.gt] / to_linear(one.after.rgb).mean(-1)[one.gt]
        assert np.median(darker) == pytest.approx(0.22, abs=0.06)


# the command line



@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A category of good captures, and a mask."""
    root = trees.write_category(tmp_path_factory.mktemp("parts") / "part", train=1, test=1)
    shape = read_rgb(root / "train/good/rgb/000.png").pixels.shape[:2]
    write_mask(root.parent / "mask.png", a_mask(shape).astype(np.uint8) * np.uint8(255))
    return root


def command(folder, parts, out, *more):
    return ["inpaint", str(parts / "train/good/rgb/000.png"), TEXT, "--model", str(folder / "sd"), "--steps", "2",
            "--out", str(out), *more]


def test_the_command_paints_writes_and_replays(folder, parts, tmp_path, capsys):
    where = ["--mask", str(parts.parent / "mask.png")]
    assert main(command(folder, parts, tmp_path / "a", *where, "--relief", "dent", "--depth-mm", "0.5")) == 0
    said = capsys.readouterr()
    assert "inpainted painted:" in said.out
    assert "inpaint: 2 of 2" in said.err
    before, after = (read_rgb(path).pixels for path in (parts / "train/good/rgb/000.png",
                                                        tmp_path / "a/test/inpainted/rgb/000.png"))
    check_outside(before, after, read_mask(parts.parent / "mask.png") > 0)
    manifest = str(tmp_path / "a/manifest.jsonl")
    assert main(["replay", manifest, "--source", str(parts), "--out", str(tmp_path / "b")]) == 0
    assert "1 of 1 samples replayed, 1 with the bytes" in capsys.readouterr().out
    made, replayed = (json.loads((tmp_path / name / "manifest.jsonl").read_text()) for name in "ab")
    assert made["inpainted"] == replayed["inpainted"]
    (tmp_path / "dent.yaml").write_text("defects:\n- {kind: dent, diameter_mm: 8, depth_mm: 0.8}\n")
    asked = ["--recipe", str(tmp_path / "dent.yaml"), "--control", str(folder / "control"), "--kind", "rust", "--json"]
    assert main(command(folder, parts, tmp_path / "c", *asked)) == 0
    entry = json.loads(capsys.readouterr().out)
    assert [defect["kind"] for defect in entry["defects"]] == ["dent", "rust"]
    assert entry["inpainted"].items() >= {"text": TEXT, "model": "sd", "control": "control", "strength": 1}.items()
    (tmp_path / "plan.json").write_text(json.dumps(entry["plan"]))
    assert main(command(folder, parts, tmp_path / "d", "--plan", str(tmp_path / "plan.json"), *where)) == 0


def test_the_command_refuses_in_one_line_and_leaves_nothing(folder, parts, tmp_path, capsys, monkeypatch):
    out, where = tmp_path / "out", ["--mask", str(parts.parent / "mask.png")]
    for more, said in (((), "say where to paint"), ((*where, "--model", "nobody/none"), "nobody/none is no folder"),
                       ((*where, "--plan", str(tmp_path / "no.json")), "cannot be read"),
                       ((*where, "--kind", "good"), "--kind must be"),
                       ((*where, "--strength", "2"), "strength must be"), ((*where, "--offload"), "offloading"),
                       ((*where, "--device", "bogus"), "torch has no device bogus here"),
                       ((*where, "--relief", "shading"), "confidence of 0")):
        assert main(command(folder, parts, out, *more)) == 2, more
        err = capsys.readouterr().err.strip().splitlines()
        assert said in err[-1]
        assert sum("error" in text for text in err) == 1
        assert not out.exists()

    def interrupted(*_, **__):
        raise KeyboardInterrupt
    monkeypatch.setattr("crossmodal.commands.inpaint.write_all", interrupted)
    assert main(command(folder, parts, out, *where)) == 130
    assert not [path for path in out.rglob("*") if path.is_file()], "something is half written"


def test_the_command_paints_a_rig_in_every_view(folder, tmp_path, capsys):
    scene, root, views = rig(), tmp_path / "rig", []
    for name in ("rgb", "xyz"):
        (root / name).mkdir(parents=True)
    for k, (view, pose) in enumerate(zip(scene.views, scene.T_rig_camera, strict=True)):
        cm.rgb.write_rgb(root / "rgb" / f"{k}.png", view.rgb)
        cm.depth.write_xyz(root / "xyz" / f"{k}.tiff", view.points)
        camera = {name: float(getattr(view.camera, name)) for name in ("fx", "fy", "cx", "cy")}
        views.append({"rgb": f"rgb/{k}.png", "xyz": f"xyz/{k}.tiff", "T_rig_camera": pose.tolist(),
                      "camera": camera | {"width": view.camera.width, "height": view.camera.height}})
    (root / "rig.json").write_text(json.dumps({"views": views}))
    write_mask(tmp_path / "mask.png", a_mask((160, 160)).astype(np.uint8) * np.uint8(255))
    where = ["--mask", str(tmp_path / "mask.png"), "--relief", "bump", "--height-mm", "0.5"]
    asked = ["inpaint", str(root), TEXT, "--model", str(folder / "sd"), "--steps", "2"]
    assert main([*asked, *where, "--out", str(tmp_path / "out")]) == 0
    for k in range(2):
        after = read_rgb(tmp_path / f"out/test/inpainted/rgb/00{k}.png").pixels
        assert 300 < (after != scene.views[k].rgb).any(-1).sum() < 1500
    capsys.readouterr()
    manifest = str(tmp_path / "out/manifest.jsonl")
    assert main(["replay", manifest, "--source", str(root), "--out", str(tmp_path / "again")]) == 0
    assert "2 of 2 samples replayed, 2 with the bytes" in capsys.readouterr().out
    assert main([*asked, "--recipe", "dent.yaml", "--out", str(tmp_path / "no")]) == 2
    assert "is a rig" in capsys.readouterr().err

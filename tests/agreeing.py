"""A clean tree of analytic planes with its source, as closed forms say it, and ways to spoil it."""

import hashlib
import json

import cv2
import numpy as np
import tifffile

H, W, F = 96, 120, 300.0
CX, CY = (W - 1) / 2, (H - 1) / 2
IDS = {"255": "bump", "254": "dent", "0": "good"}
NORMAL = np.array([0.2, -0.1, -1.0]) / np.linalg.norm([0.2, -0.1, -1.0])
NOISE = 2e-6
CENTRE, RADIUS_MM, PEAK_MM = np.array((70, 40)), 14.0, 3.0


def rays():
    u, v = np.meshgrid(np.arange(W), np.arange(H))
    return np.stack(((u - CX) / F, (v - CY) / F, np.ones((H, W))), -1)


def plane(seed, offset_m=0.0):
    """A tilted plane half a metre away, moved along its normal, with a corner and a row of nothing."""
    noise = np.random.default_rng(seed).normal(0, NOISE, (H, W))
    along = 0.5 * NORMAL[2] + offset_m
    z = along / (rays() @ NORMAL) + noise
    xyz = (rays() * z[..., None]).astype(np.float32)
    xyz[:6, :9] = 0
    xyz[-2] = 0
    return xyz


def picture(seed):
    return np.random.default_rng(100 + seed).integers(60, 200, (H, W, 3), dtype=np.uint8)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tiff":
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        assert cv2.imwrite(str(path), array[..., ::-1] if array.ndim == 3 else array)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def good(root, split, number, seed, gt=False):
    write(root / split / "good/rgb" / f"{number:03}.png", picture(seed))
    write(root / split / "good/xyz" / f"{number:03}.tiff", plane(seed))
    if gt:
        write(root / split / "good/gt" / f"{number:03}.png", np.zeros((H, W), np.uint8))


def defect(out, source, kind, number, seed):
    """Write one dent or bump of the plane, as its closed form says, and return its manifest line."""
    sense = 1 if kind == "bump" else -1
    before = plane(seed)
    # Height over the plane at each pixel, from where its ray meets the undisturbed plane: a raised cosine.
    from_anchor = before - before[CENTRE[1], CENTRE[0]]
    distance_mm = np.linalg.norm(from_anchor, axis=-1) * 1e3
    profile = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance_mm / RADIUS_MM, 1))
    height_mm = PEAK_MM * profile
    height_mm[(before == 0).all(-1)] = 0
    height_mm *= sense
    mask = np.abs(height_mm) > 0.01
    height_mm = np.where(mask, height_mm, 0)
    moved = plane(seed)
    for row, column in np.argwhere(mask):
        moved[row, column] = plane_at(seed, height_mm[row, column] * 1e-3)[row, column]
    return written(out, source, kind, number, seed, height_mm, moved, PEAK_MM)


def written(out, source, kind, number, seed, height_mm, moved, told_mm):
    """Write a sample whose points stand so high over its source's, and return its manifest line."""
    mask = height_mm != 0
    rgb = picture(seed)
    rgb[mask] = rgb[mask] // 2
    ids = np.where(mask, 254 if kind == "dent" else 255, 0).astype(np.uint8)
    binary = np.where(mask, 255, 0).astype(np.uint8)
    arrays = {"rgb": rgb, "xyz": moved, "gt": ids, "gt_rgb": binary, "gt_depth": binary,
              "instances": mask.astype(np.uint8), "displacement": height_mm.astype(np.float32)}
    files = {}
    for role, array in arrays.items():
        suffix = "tiff" if role in ("xyz", "displacement") else "png"
        files[role] = f"test/{kind}/{role}/{number:03}.{suffix}"
        write(out / files[role], array)
    asked = "depth_mm" if kind == "dent" else "height_mm"
    origin = {role: source / f"train/good/{role}/{seed:03}.{end}"
              for role, end in (("rgb", "png"), ("xyz", "tiff"))}
    return {
        "id": f"test/{kind}/{number:03}", "kind": kind, "seed": seed, "files": files,
        "source": {"path": f"train/good/{seed:03}",
                   "sha256": {role: sha256(path) for role, path in origin.items()}},
        "defects": [{"instance": 1, "kind": kind, "class_id": 254 if kind == "dent" else 255,
                     "requested": {asked: told_mm}, "measured": {f"max_{asked}": told_mm},
                     "visible_in": ["rgb", "depth", "points"]}],
        "sha256": {role: sha256(out / path) for role, path in files.items()},
    }  # fmt: skip


_PLANES = {}


def plane_at(seed, offset_m):
    key = seed, round(offset_m, 9)
    if key not in _PLANES:
        _PLANES[key] = plane(seed, offset_m)
    return _PLANES[key]


def violated(report):
    return {row.test for row in report.rows if row.status == "violated"}


def edit(path, change, tree=None):
    """Rewrite one array file; with a tree the manifest is signed anew, so that only the change shows."""
    if path.suffix == ".tiff":
        array = tifffile.imread(path)
    else:
        array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        array = array[..., ::-1] if array.ndim == 3 else array
    array = np.ascontiguousarray(array)
    changed = change(array)
    write(path, array if changed is None else changed)
    if tree is not None:
        resign(tree)


def resign(out):
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    for line in lines:
        line["sha256"] = {role: sha256(out / file) for role, file in line["files"].items()}
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def rewrite(out, change):
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    for line in lines:
        change(line)
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_tree(root):
    """root/source with five good captures, and root/out with copies of three and a dent and a bump in two."""
    source, out = root / "source", root / "out"
    for seed in range(5):
        good(source, "train", seed, seed)
    for number, seed in enumerate((3, 4)):
        good(out, "train", number, seed)
    good(out, "test", 0, 2, gt=True)
    lines = [defect(out, source, "dent", 0, 0), defect(out, source, "bump", 0, 1)]
    (out / "class_ids.json").write_text(json.dumps(IDS))
    (out / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def put(index, value):
    def change(array):
        array[index] = value
    return change

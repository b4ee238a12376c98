"""Small faithful trees of every layout, built from its description by nothing of ours but NumPy arrays.

The descriptions: MVTec 3D-AD (its readme), Eyecandies (eyecan-ai.github.io/eyecandies, "Download"), Real3D-AD
(dataset_pc.py), Anomaly-ShapeNet (its README, and loaders that read it), MulSen-AD (dataset.py), 3D-ADAM (anomalib's
adam_3d.py), Real-IAD D³ (dataset.py), BOP (bop_datasets_format.md), COCO and YOLO (their format pages), MVTec AD.
"""

import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import tifffile
import yaml

HEIGHT, WIDTH = 48, 64
FX, FY, CX, CY = 90.0, 88.0, 30.5, 24.0  # off centre and not square, so that no swap can hide
SPOTS = {"dent": (slice(10, 19), slice(8, 20)), "hole": (slice(25, 40), slice(30, 37))}
KINDS = {"good": (), "dent": ("dent",), "hole": ("hole",), "combined": ("dent", "hole")}


@dataclass(frozen=True)
class Truth:
    """What one sample is: rgb (H, W, 3), points (H, W, 3) float32 m with NaN, and a mask (H, W) bool by kind."""

    rgb: np.ndarray
    points: np.ndarray
    masks: dict[str, np.ndarray]

    @property
    def z_m(self) -> np.ndarray:
        return self.points[..., 2]

    @property
    def union(self) -> np.ndarray:
        return np.any([*self.masks.values(), np.zeros((HEIGHT, WIDTH), bool)], axis=0)


def truth(i: int, kind: str = "good", whole: bool = False, camera=(FX, FY, CX, CY)) -> Truth:
    """The i-th sample: a wavy board, its picture noise, with a corner of nothing unless whole."""
    rng = np.random.default_rng(i)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    z = 0.4 + 0.002 * np.sin(columns / 7 + i) + 0.0015 * np.cos(rows / 5) + 0.0001 * i
    if not whole:
        z[:5, :7] = np.nan
    fx, fy, cx, cy = camera
    points = np.stack(((columns - cx) / fx * z, (rows - cy) / fy * z, z), -1).astype(np.float32)
    masks = {}
    for name in KINDS[kind]:
        masks[name] = np.zeros((HEIGHT, WIDTH), bool)
        masks[name][SPOTS[name]] = True
        masks[name][SPOTS[name]][3:5, 2:4] = False  # a hole in it, so that an outline alone is not enough
    return Truth(rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), points, masks)


def png(path: Path, pixels: np.ndarray) -> None:
    """Any picture: RGB, grey, 16-bit grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)


def grey(mask: np.ndarray, level: int = 255) -> np.ndarray:
    return mask.astype(np.uint8) * np.uint8(level)


def xyz(path: Path, points: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.nan_to_num(points, nan=0.0).astype(np.float32), photometric="rgb")


def text(path: Path, words: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, encoding="utf-8")


PLACES = [("train", "good"), ("train", "good"), ("validation", "good"), ("test", "good"), ("test", "dent"),
          ("test", "hole"), ("test", "combined")]
LEVELS = {"hole": 255, "dent": 254}  # not in alphabetical order: ids are kept, not made


def _paired(root: Path, gt: str, everywhere: bool) -> dict[str, Truth]:
    made, counts = {}, {}
    for i, (split, kind) in enumerate(PLACES):
        own = truth(i, kind)
        n = counts[split, kind] = counts.get((split, kind), -1) + 1
        here = root / split / kind
        png(here / "rgb" / f"{n:03d}.png", own.rgb)
        xyz(here / "xyz" / f"{n:03d}.tiff", own.points)
        if everywhere or split == "test":
            png(here / gt / f"{n:03d}.png", sum((grey(own.masks[k], LEVELS[k]) for k in own.masks),
                                                np.zeros((HEIGHT, WIDTH), np.uint8)))
        made[f"{split}/{kind}/{n:03d}"] = own
    return made


def mvtec3d(root: Path) -> dict[str, Truth]:
    """A category of MVTec 3D-AD."""
    made = _paired(root, "gt", False)
    text(root / "class_ids.json", json.dumps({str(level): kind for kind, level in LEVELS.items()} | {"0": "good"}))
    text(root / "calibration" / "camera_parameters.json", json.dumps({
        "camera_type": "area_scan_division", "focus": 0.01, "kappa": 0.0, "sx": 0.01 / FX, "sy": 0.01 / FY,
        "cx": CX, "cy": CY, "image_width": WIDTH, "image_height": HEIGHT}))
    return made


def adam3d(root: Path) -> dict[str, Truth]:
    """A category of 3D-ADAM, which names no class ids: every mask is of its folder's kind."""
    made = _paired(root, "ground_truth", True)
    for path in root.glob("test/*/ground_truth/*.png"):
        png(path, grey(cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0))
    return made


def mvtec2d(root: Path) -> dict[str, Truth]:
    """A category of MVTec AD."""
    made = {}
    for split, kind in (("train", "good"), ("test", "good"), ("test", "dent"), ("test", "hole")):
        own = made[f"{split}/{kind}/000"] = truth(len(made), kind)
        png(root / split / kind / "000.png", own.rgb)
        if kind != "good":
            png(root / "ground_truth" / kind / "000_mask.png", grey(own.union))
    return made


def realiad(root: Path, same_size: bool = True) -> dict[str, Truth]:
    """A category of Real-IAD D³; its pictures are JPEG, and may have another size than its points."""
    made = {}
    for split, kind in (("train", "good"), ("test", "good"), ("test", "hole")):
        own = made[f"{split}/{kind}/S{len(made):04d}"] = truth(len(made), kind)
        here, name = root / split / ("GOOD" if kind == "good" else kind), f"S{len(made) - 1:04d}"
        (here / "rgb" / name).mkdir(parents=True)
        for light in ("L01", "L05"):
            smooth = cv2.GaussianBlur(own.rgb, (0, 0), 3)  # JPEG keeps no noise
            picture = smooth if same_size else cv2.resize(smooth, None, fx=2, fy=2)
            picture = picture if light == "L05" else 255 - picture
            assert cv2.imwrite(str(here / "rgb" / name / f"part_{name}_{light}_RGB.jpg"), picture[..., ::-1])
        xyz(here / "xyz" / f"{name}.tiff", own.points * (1 if same_size else 1000))
        if kind != "good":
            size = own.union if same_size else own.union.repeat(2, 0).repeat(2, 1)
            png(here / "gt" / "rgb" / f"part_{name}_L05_RGB.png", grey(size))
    return made


EYECANDIES_CAMERA = (711.11 * WIDTH / 512, 711.11 * HEIGHT / 512, WIDTH / 2, HEIGHT / 2)


def eyecandies(root: Path, grain: float = 1.0) -> dict[str, Truth]:
    """A category of Eyecandies: three digits in train, two in test; the private test has no masks.

    grain: how much of a picture is noise, the rest is grey.
    """
    made = {}
    kinds = {"dent": "dents", "hole": "bumps"}
    for split, kind, stem in (("train", "good", "000"), ("train", "good", "001"), ("val", "good", "000"),
                              ("test_public", "good", "00"), ("test_public", "dent", "01"),
                              ("test_public", "combined", "02"), ("test_private", "dent", "000")):
        own = truth(len(made), kind, whole=True, camera=EYECANDIES_CAMERA)
        own = replace(own, rgb=(own.rgb * grain + 128 * (1 - grain)).astype(np.uint8))
        made[f"{split}/data/{stem}"] = own
        start = root / split / "data"
        for light in range(6):
            png(start / f"{stem}_image_{light}.png", own.rgb if light == 4 else 255 - own.rgb)
        low, high = 0.35, 0.45
        png(start / f"{stem}_depth.png", np.rint((own.z_m - low) / (high - low) * 65535).astype(np.uint16))
        text(start / f"{stem}_info_depth.yaml", yaml.safe_dump({"normalization": {"min": low, "max": high}}))
        flipped = plane_normals() * (1, -1, -1)
        png(start / f"{stem}_normals.png", np.rint((flipped + 1) * 127.5).astype(np.uint8))
        text(start / f"{stem}_pose.txt", "\n".join(" ".join(map(str, row)) for row in np.eye(4)))
        if split != "test_private":
            text(start / f"{stem}_metadata.yaml", yaml.safe_dump({"anomalous": int(kind != "good")}))
            png(start / f"{stem}_mask.png", grey(own.union))
            for word in ("bumps", "dents", "colors", "normals"):
                mask = next((own.masks[k] for k in own.masks if kinds[k] == word), np.zeros((HEIGHT, WIDTH), bool))
                png(start / f"{stem}_{word}_mask.png", grey(mask))
    return made


def plane_normals() -> np.ndarray:
    """Unit normals towards the viewer in the camera's axes, tilted right and down, (H, W, 3)."""
    normal = np.array((0.3, 0.5, -0.8))
    return np.broadcast_to(normal / np.linalg.norm(normal), (HEIGHT, WIDTH, 3))


def bop(root: Path) -> dict[str, Truth]:
    """A BOP dataset of objects: two scenes, a step of depth and a K for each image, the second without objects."""
    made = {}
    for scene, kind in (("000001", "dent"), ("000002", "good")):
        cameras, objects = {}, {}
        for image in (0, 3):
            camera = (FX + image, FY, CX + image, CY)
            own = made[f"test/{scene}/{image:06d}"] = truth(len(made), kind, camera=camera)
            here = root / "test" / scene
            png(here / "rgb" / f"{image:06d}.png", own.rgb)
            step = 0.1 if image else 0.05
            png(here / "depth" / f"{image:06d}.png",
                np.rint(np.nan_to_num(own.z_m, nan=0) * 1000 / step).astype(np.uint16))
            fx, fy, cx, cy = camera
            cameras[str(image)] = {"cam_K": [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0], "depth_scale": step}
            objects[str(image)] = [{"obj_id": 7, "cam_R_m2c": np.eye(3).ravel().tolist(),
                                    "cam_t_m2c": [0.0, 0.0, 400.0]} for _ in own.masks]
            for i, mask in enumerate(own.masks.values()):
                for word in ("mask", "mask_visib"):
                    png(here / word / f"{image:06d}_{i:06d}.png", grey(mask))
        text(here / "scene_camera.json", json.dumps(cameras))
        text(here / "scene_gt.json", json.dumps(objects))
    return made


def pcd(path: Path, points_mm: np.ndarray) -> None:
    """An ASCII PCD of points alone."""
    head = (f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {len(points_mm)}\n"
            f"HEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points_mm)}\nDATA ascii\n")
    text(path, head + "".join(f"{x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in points_mm))


def cloud_mm(i: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) in mm around an origin, and which of them are defective (N,)."""
    points = np.random.default_rng(i).normal(size=(300, 3)) * (20, 10, 5)
    return points, points[:, 0] > 15


def real3d(root: Path) -> dict[str, tuple]:
    """A category of Real3D-AD; the text has the points in an order of its own."""
    made = {}
    for split, stem in (("train", "1_template"), ("test", "2_good"), ("test", "3_bulge"), ("test", "10_sink")):
        points, bad = cloud_mm(len(made))
        made[f"{split}/{stem}"] = points, bad if split == "test" and "good" not in stem else np.zeros(300, bool)
        pcd(root / split / f"{stem}.pcd", points)
        if split == "test" and "good" not in stem:
            text(root / "gt" / f"{stem}.txt", "".join(
                f"{x:.6f} {y:.6f} {z:.6f} {int(b)}\n" for (x, y, z), b in zip(points[::-1], bad[::-1], strict=True)))
    return made


def shapenet(root: Path) -> dict[str, tuple]:
    """pcd/ashtray0 of Anomaly-ShapeNet."""
    made, top = {}, root / "pcd" / "ashtray0"
    for split, word in (("train", "template0"), ("test", "positive1"), ("test", "bulge0"), ("test", "crack2")):
        stem = f"ashtray0_{word}"
        points, bad = cloud_mm(len(made))
        defective = split == "test" and "positive" not in word
        made[f"pcd/ashtray0/{split}/{stem}"] = points, bad if defective else np.zeros(300, bool)
        pcd(top / split / f"{stem}.pcd", points)
        if defective:
            text(top / "GT" / f"{stem}.txt", "".join(
                f"{x:.6f},{y:.6f},{z:.6f},{float(b)}\n" for (x, y, z), b in zip(points, bad, strict=True)))
    return made


def stl(path: Path, corners: np.ndarray) -> None:
    """A binary STL of triangles (T, 3, 3)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *triangle.ravel(), 0) for triangle in corners.astype("<f4"))
    path.write_bytes(b"\0" * 80 + struct.pack("<I", len(corners)) + body)


def mulsen(root: Path) -> dict[str, Truth]:
    """A category of MulSen-AD: test/hole/0 shows in picture and cloud, test/hole/1 in infrared alone."""
    made = {}
    for split, kind, stem in (("train", "", "0"), ("test", "good", "0"), ("test", "hole", "0"), ("test", "hole", "1")):
        own = made["/".join(word for word in ("Pointcloud", split, kind, stem) if word)] = truth(
            len(made), "hole" if (kind, stem) == ("hole", "0") else "good")
        png(root / "RGB" / split / kind / f"{stem}.png", own.rgb)
        png(root / "Infrared" / split / kind / f"{stem}.png", np.full((30, 40), 10 * len(made), np.uint8))
        stl(root / "Pointcloud" / split / kind / f"{stem}.stl", triangles())
    png(root / "RGB" / "GT" / "hole" / "0.png", grey(own_mask("hole")))
    png(root / "Infrared" / "GT" / "hole" / "1.png", np.full((30, 40), 255, np.uint8))
    text(root / "RGB" / "GT" / "hole" / "data.csv", "object,RGB,Infrared,Pointcloud\n0,1,0,1\n1,0,1,0\n")
    text(root / "Pointcloud" / "GT" / "hole" / "0.txt", "0.01,0.02,5.0,1\n9.99,0.0,5.0,1\n")
    return made


def triangles() -> np.ndarray:
    """Two triangles of a 10 mm square that share two of their corners."""
    a, b, c, d = (0, 0, 5), (10, 0, 5), (10, 10, 5), (0, 10, 5)
    return np.array(((a, b, c), (a, c, d)), np.float64)


def own_mask(kind: str) -> np.ndarray:
    return truth(0, kind).masks[kind]


def coco(root: Path) -> dict[str, Truth]:
    """COCO as its tools make it: a compressed mask, a plain polygon, an uncompressed mask; a picture without any."""
    from pycocotools import mask as tool

    made, images, annotations = {}, [], []
    for i, kind in enumerate(("dent", "hole", "combined", "good")):
        own = made[f"val/p {i}"] = truth(i, kind)
        png(root / "val" / f"p {i}.png", own.rgb)
        images.append({"id": 10 + i, "file_name": f"p {i}.png", "height": HEIGHT, "width": WIDTH})
        for name, mask in own.masks.items():
            code = tool.encode(np.asfortranarray(mask.astype(np.uint8)))
            code["counts"] = code["counts"].decode()
            if i == 1:
                code = {"size": [HEIGHT, WIDTH], "counts": _runs(mask)}
            annotations.append({"id": len(annotations), "image_id": 10 + i, "iscrowd": 0, "segmentation": code,
                                "category_id": {"hole": 3, "dent": 8}[name]})
    text(root / "annotations" / "instances_val.json", json.dumps({
        "images": images, "annotations": annotations,
        "categories": [{"id": 3, "name": "hole"}, {"id": 8, "name": "dent"}]}))
    return made


def _runs(mask):
    runs, last = [0], 0
    for value in mask.ravel(order="F").astype(int):
        if value != last:
            runs.append(0)
        runs[-1] += 1
        last = value
    return runs


def yolo(root: Path) -> dict[str, np.ndarray]:
    """YOLO as its converter makes it: polygons in parts of one, a label file that is empty, one that is not there."""
    made = {}
    for i, (split, kind) in enumerate((("train", "dent"), ("train", "good"), ("val", "hole"), ("val", "good"))):
        own = truth(i)
        rows, columns = SPOTS.get(kind, (slice(0), slice(0)))
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[rows, columns] = True
        made[f"images/{split}/{i}"] = mask
        png(root / "images" / split / f"{i}.png", own.rgb)
        if kind != "good":
            box = [(columns.start, rows.start), (columns.stop - 1, rows.start), (columns.stop - 1, rows.stop - 1),
                   (columns.start, rows.stop - 1)]
            words = " ".join(f"{(x + 0.5) / WIDTH:.6f} {(y + 0.5) / HEIGHT:.6f}" for x, y in box)
            text(root / "labels" / split / f"{i}.txt", f"{['hole', 'dent'].index(kind)} {words}\n")
        elif split == "train":
            text(root / "labels" / split / f"{i}.txt", "")
    text(root / "data.yaml", "train: images/train\nval: images/val\nnames:\n  0: hole\n  1: dent\n")
    return made

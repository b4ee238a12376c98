"""A sample as named arrays and one JSON value: what WebDataset and Hugging Face shards hold of it."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict

import cv2
import numpy as np

from crossmodal.camera import Camera
from crossmodal.formats.paths import plain
from crossmodal.formats.sample import Head, Place, Sample
from pointcloud import PointCloud
from rgb import RgbImage, whole

PICTURES = ("rgb", "gt", "instances", "gt_rgb", "gt_depth", "infrared")
ARRAYS = {"xyz": (None, None, 3), "normals": (None, None, 3), "soft": (None, None), "cloud": (None, 3),
          "labels": (None,)}
"""Field → shape of the arrays that are no pictures."""

_CONTENT = {"rgb": "rgb", "xyz": "xyz", "gt": "gt", "instances": "instances", "gt_rgb": "masks", "gt_depth": "masks",
            "normals": "normals", "soft": "soft", "cloud": "cloud", "labels": "labels", "infrared": "infrared"}
EVERYTHING = tuple(dict.fromkeys(_CONTENT.values()))
"""What a record may hold, of CONTENTS."""

_MOST_PIXELS = 1 << 28  # a few bytes can claim any size


def fields_of(holds: frozenset[str]) -> tuple[str, ...]:
    """The fields of samples that hold these contents, in order."""
    return tuple(word for word in (*PICTURES, *ARRAYS)
                 if _CONTENT[word] in holds and (word != "labels" or "cloud" in holds))


def contents_of(fields: frozenset[str]) -> frozenset[str]:
    """What samples with these fields hold."""
    return frozenset(_CONTENT[word] for word in fields)


def array_of(sample: Sample, word: str) -> np.ndarray:
    """One field of a sample; a good sample has zeros for masks."""
    if word in ("gt_rgb", "gt_depth"):
        mask = sample.masks.get(word.removeprefix("gt_"), np.zeros(sample.shape, bool))
        return mask.astype(np.uint8) * np.uint8(255)
    if word == "instances":
        numbers = np.zeros(sample.shape, np.uint8) if sample.instances is None else sample.instances
        return numbers.astype(np.uint8) if numbers.max() < 256 else numbers.astype(np.uint16)
    own = {"rgb": lambda: sample.rgb, "gt": sample.levels, "infrared": lambda: sample.infrared,
           "xyz": lambda: sample.points, "normals": lambda: sample.normals, "soft": sample.softened,
           "cloud": lambda: sample.cloud.xyz_m, "labels": lambda: sample.as_cloud().labels}
    return own[word]()


def described(place: Place, sample: Sample, head: Head) -> dict:
    """What arrays do not say of a sample, as JSON."""
    camera = None if sample.camera is None else asdict(sample.camera)
    return {"category": place.category, "split": place.split, "kind": place.kind, "name": place.name,
            "unit": "m", "camera": camera, "class_ids": dict(head.ids)}


def checked(meta: object, name: str) -> dict:
    """The same value, read back. Raises ValueError where it is none of ours."""
    try:
        ids = {plain(str(kind)): int(level) for kind, level in meta["class_ids"].items()}
        if any(not 0 <= level <= 255 for level in ids.values()):
            raise ValueError
        camera = meta["camera"]
        return {**{word: str(meta[word]) for word in ("category", "split", "kind", "name")}, "class_ids": ids,
                "camera": None if camera is None else Camera(**camera)}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"{name} has no category, split, kind, name, camera and class_ids that can be read; "
                         "write it with crossmodal convert") from None


def sample_of(arrays: Mapping[str, np.ndarray], camera: Camera | None, name: str) -> Sample:
    """A sample of its fields. Raises ValueError where they do not fit together."""
    try:
        for word, array in arrays.items():
            if word in ARRAYS and (array.ndim != len(ARRAYS[word]) or ARRAYS[word][-1] not in (None, array.shape[-1])):
                raise ValueError(f"{word} is {array.shape}")
        shapes = {array.shape[:2] for word, array in arrays.items() if word not in ("cloud", "labels", "infrared")}
        if len(shapes) > 1:
            raise ValueError(f"its fields have the sizes {sorted(shapes)}")
        cloud = None
        if "cloud" in arrays:
            cloud = PointCloud(arrays["cloud"].astype(np.float32), labels=arrays.get("labels"))
        return Sample(
            None if "rgb" not in arrays else RgbImage(arrays["rgb"]).pixels, _single(arrays.get("xyz")), camera,
            arrays.get("gt"), arrays.get("instances"),
            {word.removeprefix("gt_"): arrays[word] > 0 for word in ("gt_rgb", "gt_depth") if word in arrays},
            _single(arrays.get("normals")), cloud, arrays.get("infrared"), _single(arrays.get("soft")))
    except ValueError as error:
        raise ValueError(f"{name} cannot be read: {error}; write it again") from None


def _single(array):
    return None if array is None else array.astype(np.float32, copy=False)


def png_of(pixels: np.ndarray) -> bytes:
    """PNG of uint8 (H, W, 3) sRGB, or of a grey uint8 or uint16 (H, W)."""
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels)[1].tobytes()


def pixels_of(data: bytes, word: str, name: str) -> np.ndarray:
    """What png_of took; a colour picture may be a JPEG too. Raises ValueError in one line."""
    try:
        data = whole.png(data) if data.startswith(whole.PNG) else whole.jpeg(data)
        if data.startswith(whole.PNG) and (
                int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big") > _MOST_PIXELS):
            raise ValueError
        flag = cv2.IMREAD_COLOR if word == "rgb" else cv2.IMREAD_UNCHANGED
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is None or (word != "rgb" and pixels.ndim != 2):
            raise ValueError
    except (ValueError, cv2.error):
        raise ValueError(f"{name}: its {word} is truncated or no picture; copy it again from the source") from None
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if word == "rgb" else pixels


def npy_of(array: np.ndarray) -> bytes:
    """NPY of an array."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_in(data: bytes, word: str, name: str) -> np.ndarray:
    """What npy_of took; a size that the bytes do not hold is refused. Raises ValueError in one line."""
    buffer = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(buffer)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(buffer)
        size = dtype.itemsize
        for side in shape:
            size *= side
        if dtype.kind not in "fu" or fortran or size != len(data) - buffer.tell():
            raise ValueError
        return np.frombuffer(data, dtype, offset=buffer.tell()).reshape(shape)
    except (ValueError, EOFError, TypeError):
        raise ValueError(f"{name}: its {word} is truncated or no NPY array; copy it again from the source") from None


def json_of(value: dict) -> bytes:
    """JSON with sorted names."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()

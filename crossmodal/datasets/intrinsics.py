"""Cameras on disk, whoever wrote them: HALCON, ROS, RealSense, Open3D, BOP, OpenCV, Zivid, or plain fx fy cx cy.

They differ in their names for the same numbers; what is found by which name is a table. Sources: MVTec HALCON
read_cam_par; ROS sensor_msgs/CameraInfo and camera_calibration_parsers; librealsense rs2_intrinsics; Open3D
PinholeCameraIntrinsic (JSON, column-major); bop_toolkit docs/bop_datasets_format.md; Zivid CameraIntrinsics.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from crossmodal.camera import Camera
from crossmodal.datasets.lenses import brown, model_of
from crossmodal.yaml_text import Twice, values

_PLAIN = ("fx", "fy", "cx", "cy", "width", "height")
_WRAPPERS = ("camera_info", "intrinsics", "intrinsic", "cameraintrinsics", "color", "rgb", "color_intrinsics",
             "color_camera", "camera")
_MATRICES = {"intrinsic_matrix": "Open3D", "cam_k": "BOP", "k": "ROS camera_info", "camera_matrix": "ROS or OpenCV",
             "cameramatrix": "Zivid", "matrix": "plain", "intrinsics": "plain", "intrinsic": "plain"}
_ALIASES = {"fx": ("fx",), "fy": ("fy",), "cx": ("cx", "ppx"), "cy": ("cy", "ppy"),
            "width": ("width", "image_width", "w"), "height": ("height", "image_height", "h")}
_LENSES = ("d", "distortion_coefficients", "coeffs", "distortion", "dist_coeffs", "distortion_coeffs")
_MODELS = ("distortion_model", "model")
_ORDER = ("k1", "k2", "p1", "p2", "k3")
_MOST_BYTES = {".json": 64 << 20}
_MOST_YAML = 1 << 18  # its parser takes seconds a megabyte
_DEEPEST = 3


@dataclass(frozen=True)
class Calibration:
    """What a camera file says.

    form: whose way of writing it is; depth_unit_m: metres a count of depth, if it tells; unit_said: in which words
    sized: whether the file itself says for images of what size it is
    """

    camera: Camera
    form: str
    depth_unit_m: float | None = None
    unit_said: str = ""
    sized: bool = True


def read_camera(path: Path) -> Camera:
    """The camera alone, from a file that says its image size. Errors: as read_calibration."""
    return read_calibration(path).camera


def read_calibration(path: Path, shape: tuple[int, ...] | None = None, stem: str = "") -> Calibration:
    """A camera file, JSON or YAML, in any of the forms above.

    shape: (H, W) of its images, for forms that do not say it; stem: the image's name, for BOP's scene_camera.json.
    Errors: ValueError, one line that names the file, what is wrong and the way out.
    """
    path = Path(path)
    return understood(path, _named(path, parsed(path), stem), shape)


def understood(path: Path, data: dict, shape: tuple[int, ...] | None) -> Calibration:
    """The camera that a file's names, in lower case, describe. Errors: ValueError, as read_calibration."""
    try:
        if "camera_type" in data:
            return Calibration(Camera.from_halcon(data), "HALCON")
        return _calibration(data, shape)
    except KeyError as error:
        raise ValueError(f"{path} has no {error.args[0]}; give {' '.join(_PLAIN)}") from None
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        text = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: {text}{'' if ';' in text else '; mend that number'}") from None


def checked_size(camera: Camera, path: Path, shape: tuple[int, ...], image: Path) -> Camera:
    """The camera, if it is for images of this shape (H, W); else ValueError."""
    if (camera.height, camera.width) != shape[:2]:
        raise ValueError(f"{path} is for {camera.width}x{camera.height} pixels but {image} is "
                         f"{shape[1]}x{shape[0]}; resize the camera with its images")
    return camera


def depth_unit(scale: float) -> tuple[float, str]:
    """Metres a count from what a file calls its depth scale, and in which words.

    Three habits share the word: counts a metre (Open3D: 1000, TUM: 5000), metres a count (RealSense: 0.001,
    0.00025) and millimetres a count (BOP: 1.0, 0.1); no sensor's count is a centimetre, so that size tells.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"depth_scale must be above 0, but got {scale}")
    if scale > 10:
        return 1 / scale, f"depth_scale {scale:g}: counts a metre"
    if scale < 0.01:
        return scale, f"depth_scale {scale:g}: metres a count"
    return scale * 1e-3, f"depth_scale {scale:g}: millimetres a count"


def parsed(path: Path) -> dict:
    """A small JSON or YAML file's names. Errors: ValueError: no such file, too large for one, no names in it."""
    json_file = path.suffix.lower() == ".json"
    try:
        most = _MOST_BYTES.get(path.suffix.lower(), _MOST_YAML)
        if path.exists() and not path.is_dir() and not (path.is_file() and path.stat().st_size <= most):
            raise ValueError(f"{path} is no file of at most {most >> 10} kB, as a camera is; give one")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not JSON or YAML; give fx fy cx cy width height") from None
    if text.startswith("%YAML"):  # OpenCV's FileStorage has a directive and a tag of its own
        text = "\n" + text.partition("\n")[2].replace("!!opencv-matrix", "")
    try:
        data = json.loads(text) if json_file else values(text)
    except Twice as error:
        raise ValueError(f"{path}: {error}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON or YAML; give fx fy cx cy width height") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} holds no named numbers; give fx fy cx cy width height")
    return data


def _named(path, data, stem):
    """One camera's names in lower case; of BOP's scene, the image's own."""
    if data and all(isinstance(one, dict) and "cam_K" in one for one in data.values()):
        if not stem:
            data = next(iter(data.values()))
        else:
            own = {_number(key): one for key, one in data.items()}
            if _number(stem) not in own:
                raise ValueError(f"{path} has no camera for image {stem}; add it")
            data = own[_number(stem)]
    return {str(key).lower(): value for key, value in data.items()}


def _number(text):
    text = str(text)[:40]
    return int(text) if text.isdecimal() else text


def _calibration(data, shape):
    flat = _unwrapped(data)
    form, (fx, fy, cx, cy) = _matrix(flat)
    width, height = _size(flat, data)
    sized = width is not None
    if not sized:
        if shape is None:
            raise KeyError("width")
        height, width = shape[:2]
    window = flat.get("roi")
    if isinstance(window, dict) and window.get("width"):
        cx, cy = cx - float(window.get("x_offset", 0)), cy - float(window.get("y_offset", 0))
        width, height = int(window["width"]), int(window["height"])
    pinhole = Camera(width, height, fx, fy, cx, cy)
    name = next((flat[word] for word in _MODELS if flat.get(word) is not None), "brown")
    lens = brown(model_of(name), _coefficients(flat), (fx, fy, cx, cy), (width, height))
    camera = Camera(width, height, fx, fy, cx, cy, "brown", lens) if lens else pinhole
    scale = flat.get("depth_scale", data.get("depth_scale"))
    unit, said = (None, "") if scale is None else depth_unit(float(scale))
    return Calibration(camera, form, unit, said, sized)


def _unwrapped(data):
    for _ in range(_DEEPEST):
        if any(name in data for name in ("fx", "cam_k", "intrinsic_matrix", "k", "camera_matrix", "cameramatrix")):
            return data
        inner = next((data[name] for name in _WRAPPERS if isinstance(data.get(name), dict)), None)
        if inner is None:
            return data
        data = {str(key).lower(): value for key, value in inner.items()}
    return data


def _matrix(data):
    if "fx" in data:
        form = "RealSense" if "ppx" in data else "plain"
        return form, tuple(float(_any(data, name)) for name in _PLAIN[:4])
    for name, form in _MATRICES.items():
        value = data.get(name)
        if isinstance(value, dict):
            inner = {str(key).lower(): one for key, one in value.items()}
            if "fx" in inner:
                return form, tuple(float(_any(inner, word)) for word in _PLAIN[:4])
        if (numbers := _numbers(value)) and len(numbers) == 9:
            down = not any(numbers[i] for i in (2, 5)) and any(numbers[i] for i in (6, 7))  # column by column
            cx, cy = (numbers[6], numbers[7]) if down else (numbers[2], numbers[5])
            if abs(numbers[3 if down else 1]) > 1e-6 * abs(numbers[0]):
                raise ValueError(f"a skew of {numbers[3 if down else 1]:g} is not known; undistort the images")
            return form, (numbers[0], numbers[4], cx, cy)
    raise KeyError("fx")


def _any(data, word):
    for name in _ALIASES[word]:
        if data.get(name) is not None:
            return data[name]
    raise KeyError(word)


def _size(flat, data):
    for held in (flat, data):
        size = held.get("resolution")
        if isinstance(size, list) and len(size) == 2:
            return int(size[0]), int(size[1])
        for inner in (held, size) if isinstance(size, dict) else (held,):
            try:
                return int(_any(inner, "width")), int(_any(inner, "height"))
            except KeyError:
                continue
    return None, None


def _coefficients(data):
    for name in _LENSES:
        value = data.get(name)
        if isinstance(value, dict) and "data" not in value:
            inner = {str(key).lower(): one for key, one in value.items()}
            return tuple(float(inner.get(word, 0.0)) for word in _ORDER)
        if value is not None and (numbers := _numbers(value)):
            return tuple(numbers)
    return ()


def _numbers(value):
    """A flat list of a matrix as files have it: nested lists, or {rows, cols, data}; None if it is none."""
    if isinstance(value, dict):
        value = value.get("data")
    if not isinstance(value, list) or len(value) > 64:
        return None
    flat = [one for row in value for one in (row if isinstance(row, list) else [row])]
    return [float(one) for one in flat] if len(flat) <= 64 else None

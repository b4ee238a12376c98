"""Cameras on disk: HALCON parameters as MVTec 3D-AD ships them, and plain fx fy cx cy files."""

import json
from pathlib import Path

import yaml

from crossmodal.camera import Camera

_PLAIN = ("fx", "fy", "cx", "cy", "width", "height")


def read_camera(path: Path) -> Camera:
    """A camera from JSON or YAML: fx fy cx cy width height (distortion: k1 k2 p1 p2 k3), or HALCON's names.

    Errors: ValueError, one line that names the file, what is wrong and the way out.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = json.loads(text) if Path(path).suffix.lower() == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except (ValueError, yaml.YAMLError):
        raise ValueError(f"{path} is not JSON or YAML; give fx fy cx cy width height") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path} holds no named numbers; give fx fy cx cy width height")
    try:
        if "camera_type" in data:
            return Camera.from_halcon(data)
        lens = tuple(float(k) for k in data.get("distortion") or ())
        fx, fy, cx, cy = (float(data[name]) for name in _PLAIN[:4])
        return Camera(int(data["width"]), int(data["height"]), fx, fy, cx, cy,
                      "brown" if lens else "pinhole", lens)
    except KeyError as error:
        raise ValueError(f"{path} has no {error.args[0]}; give {' '.join(_PLAIN)}") from None
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{path}: {error}; mend that number") from None


def checked_size(camera: Camera, path: Path, shape: tuple[int, ...], image: Path) -> Camera:
    """The camera, if it is for images of this shape (H, W); else ValueError."""
    if (camera.height, camera.width) != shape[:2]:
        raise ValueError(f"{path} is for {camera.width}x{camera.height} pixels but {image} is "
                         f"{shape[1]}x{shape[0]}; resize the camera with its images")
    return camera

"""Meshes on disk: STL, OBJ with its texture, PLY, GLB and glTF, read through one door by trimesh.

Only glTF says its unit (metres, by its specification); the others may in a comment ("unit: mm"), or the user does.
A texture is sampled at the vertices: what is finer than the triangles is lost.
"""

import io
import json
import re
import struct
from pathlib import Path

import numpy as np

from crossmodal.datasets.source import UNITS
from crossmodal.meshes.net import CREASE_DEG, Net
from crossmodal.scanner.mesh import Mesh
from pointcloud.atomic import write_bytes
from rgb import to_linear
from rgb.shading import to_srgb

SUFFIXES = (".stl", ".obj", ".ply", ".glb", ".gltf")
MOST_BYTES = 1 << 30
MOST_FACES = 20_000_000
MOST_TEXELS = 64_000_000
_SAID = re.compile(rb"\bunits?\s*[:=]?\s*(mm|um|inch|m)\b", re.IGNORECASE)


def is_mesh(path: str | Path) -> bool:
    """Whether a file is a mesh by its name; a .ply may be a cloud, and is one if it has no faces."""
    path = Path(path)
    if path.suffix.lower() != ".ply":
        return path.suffix.lower() in SUFFIXES and path.is_file()
    return path.is_file() and re.search(rb"\nelement face [1-9]", _head(path)) is not None


def read_mesh(path: str | Path, *, unit: str | None = None, crease_deg: float = CREASE_DEG) -> Mesh:
    """A mesh in metres, shaded smooth over edges flatter than crease_deg; of a scene, all its parts as one.

    unit: m, mm, um or inch, of a file that does not say. Vertices at one place are made one, so that a soup of
    triangles is joined again. Errors: ValueError or OSError, one line that names the file and the way out.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} is no mesh that is known; give {', '.join(SUFFIXES)}")
    if unit is not None and unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, but got {unit}")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"{path} has {size >> 20} MiB; make it smaller than {MOST_BYTES >> 20} MiB")
    _check_declared(path, size)
    vertices, faces, colours = _joined(path, _parts(path))
    if not np.isfinite(vertices).all():
        raise ValueError(f"{path} has vertices that are no numbers; mend it")
    unit_m = _unit_m(path, unit, np.ptp(vertices[faces].reshape(-1, 3), axis=0))
    try:
        return Net.of(Mesh(vertices * unit_m, faces, None, colours), crease_deg).mesh()[0]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def write_mesh(path: str | Path, mesh: Mesh, unit: str = "mm", labels: np.ndarray | None = None,
               displacement_mm: np.ndarray | None = None) -> None:
    """Write STL, OBJ, PLY or GLB (always in metres), whole or not at all; each point once, so that it stays closed.

    labels (V,) uint8, displacement_mm (V,) float32: of the mesh's vertices; only a PLY holds them.
    Errors: ValueError for another suffix or unit; OSError.
    """
    import trimesh

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("stl", "obj", "ply", "glb"):
        raise ValueError(f"{path} must end in .stl, .obj, .ply or .glb")
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, but got {unit}")
    points, first, own = np.unique(mesh.vertices, axis=0, return_index=True, return_inverse=True)
    scale = 1.0 if kind == "glb" else 1 / UNITS[unit]
    made = trimesh.Trimesh(points * scale, own.ravel()[mesh.faces], process=False)
    if mesh.colours is not None:
        level = np.clip(mesh.colours[first], 0, 1).astype(np.float32)
        made.visual.vertex_colors = np.column_stack((to_srgb(level), np.full(len(first), 255, np.uint8)))
    if kind == "ply":
        for name, values in (("label", labels), ("displacement_mm", displacement_mm)):
            if values is not None:
                made.vertex_attributes[name] = values[first]
    data = made.export(file_type=kind)
    data = data.encode() if isinstance(data, str) else data
    if kind == "obj":
        data = f"# unit: {unit}\n".encode() + data
    elif kind == "ply":
        magic, form, rest = data.split(b"\n", 2)
        data = b"\n".join((magic, form, f"comment unit: {unit}".encode(), rest))
    elif kind == "stl":
        data = f"unit: {unit}".encode().ljust(80) + data[80:]
    write_bytes(path, data)


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(4096)


def _unit_m(path, unit, extent) -> float:
    if path.suffix.lower() in (".glb", ".gltf"):
        if unit not in (None, "m"):
            raise ValueError(f"{path} is glTF, whose unit is the metre; leave the unit away")
        return 1.0
    if unit is not None:
        return UNITS[unit]
    head = _head(path)
    if path.suffix.lower() == ".ply":
        head = head.partition(b"end_header")[0]
    said = _SAID.search(head)
    if said:
        return UNITS[said[1].decode().lower()]
    x, y, z = (f"{value:.4g}" for value in extent)
    raise ValueError(f"{path} does not say its unit, and is {x} x {y} x {z} of it; say --unit mm (unit=\"mm\"), m, um "
                     "or inch")


def _check_declared(path: Path, size: int) -> None:
    """Refuse a file that says that it holds more than its bytes can."""
    head, kind = _head(path), path.suffix.lower()
    if kind == ".stl" and size >= 84 and not head.lstrip().startswith(b"solid"):
        count = struct.unpack("<I", head[80:84])[0]
        if 84 + 50 * count > size:
            raise ValueError(f"{path} says {count} triangles but has bytes for {(size - 84) // 50}; copy it again")
    if kind == ".ply":
        counts = [int(n[:20]) for n in re.findall(rb"\nelement \S+ (\d+)", head)]
        if sum(counts) > size:
            raise ValueError(f"{path} says {sum(counts)} elements but has {size} bytes; copy it again")
    if kind in (".glb", ".gltf"):
        _check_gltf(path, size)


def _check_gltf(path: Path, size: int) -> None:
    with open(path, "rb") as file:
        if path.suffix.lower() == ".glb":
            length = struct.unpack("<I", file.read(20)[12:16].ljust(4, b"\0"))[0]
            text = file.read(min(length, size))
        else:
            text = file.read()
    try:
        data = json.loads(text)
        counts = [int(accessor["count"]) for accessor in data.get("accessors", ())]
        lengths = [int(buffer["byteLength"]) for buffer in data.get("buffers", ())]
        uris = [one["uri"] for key in ("buffers", "images") for one in data.get(key, ()) if "uri" in one]
        beside = sum((path.parent / uri).stat().st_size for uri in map(str, uris)
                     if not uri.startswith("data:") and _is_beside(path, uri))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise ValueError(f"{path} is no glTF that can be read ({type(error).__name__}); export it again") from None
    if max(counts, default=0) > size + beside or max(lengths, default=0) > size + beside or min(counts, default=0) < 0:
        raise ValueError(f"{path} says {max(counts, default=0)} elements in {max(lengths, default=0)} bytes but has "
                         f"{size + beside}; export it again")


def _is_beside(path: Path, name: str) -> bool:
    folder = path.parent.resolve()
    there = (folder / name).resolve()
    return there.is_relative_to(folder) and there.is_file()


def _parts(path: Path) -> list:
    """(T (4, 4), geometry) of a file's meshes. Files of others hold anything: what trimesh says of it is one line."""
    import trimesh

    class Beside(trimesh.resolvers.Resolver):
        """Files that the mesh names, of its own folder and no other."""

        def __init__(self, source=None):
            pass

        def get(self, name):
            if not _is_beside(path, str(name).strip()):
                raise ValueError(f"it names {name}, which is no file beside it")
            there = path.parent / str(name).strip()
            if there.stat().st_size > MOST_BYTES:
                raise ValueError(f"it names {name}, which is too large")
            return there.read_bytes()

        def write(self, name, data):
            raise NotImplementedError

        def namespaced(self, namespace):
            raise NotImplementedError

        def keys(self):
            return [one.name for one in path.parent.iterdir()]

    try:
        scene = trimesh.load_scene(io.BytesIO(path.read_bytes()), file_type=path.suffix[1:].lower(), resolver=Beside(),
                                   process=False)
        parts = [(T, scene.geometry[name]) for T, name in map(scene.graph.get, scene.graph.nodes_geometry)]
    except Exception as error:  # a parser that meets hostile bytes fails in its own ways
        raise ValueError(f"{path} is no mesh that can be read ({' '.join(str(error).split())[:120] or 'damaged'}); "
                         "export it again") from None
    return [(T, part) for T, part in parts if len(getattr(part, "faces", ()))]


def _joined(path: Path, parts: list):
    """vertices (V, 3), faces (F, 3), colours (V, 3) or None of all parts in one frame."""
    if not parts:
        raise ValueError(f"{path} has no triangles; give a mesh")
    if sum(len(part.faces) for _, part in parts) > MOST_FACES:
        raise ValueError(f"{path} has more than {MOST_FACES} triangles; give a smaller one")
    vertices, faces, colours, first = [], [], [], 0
    for T, part in parts:
        own, at, colour = _coloured(path, part)
        if len(at) and (at.min() < 0 or at.max() >= len(own)):
            raise ValueError(f"{path} has faces beyond its {len(own)} vertices; export it again")
        flipped = np.linalg.det(T[:3, :3]) < 0
        vertices.append(own @ T[:3, :3].T + T[:3, 3])
        faces.append((at[:, ::-1] if flipped else at) + first)
        colours.append(colour)
        first += len(own)
    if all(colour is None for colour in colours):
        return np.concatenate(vertices), np.concatenate(faces), None
    white = [np.ones_like(v) if c is None else c for v, c in zip(vertices, colours, strict=True)]
    return np.concatenate(vertices), np.concatenate(faces), np.concatenate(white)


def _coloured(path, part):
    vertices, faces, visual = np.asarray(part.vertices, np.float64), np.asarray(part.faces, np.int64), part.visual
    if visual.kind == "texture" and visual.uv is not None:
        material = visual.material
        image = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
        if image is None:
            flat = getattr(material, "main_color", None)
            return vertices, faces, None if flat is None else np.tile(_linear(flat[None, :3]), (len(vertices), 1))
        if image.size[0] * image.size[1] > MOST_TEXELS:
            raise ValueError(f"{path} has a texture of {image.size[0]}x{image.size[1]}; make it smaller")
        texels = np.asarray(image.convert("RGB"))
        uv = np.nan_to_num(np.asarray(visual.uv, np.float64))
        uv = np.where((uv < 0) | (uv > 1), uv % 1.0, uv)
        column = np.rint(uv[:, 0] * (texels.shape[1] - 1)).astype(int)
        row = np.rint((1 - uv[:, 1]) * (texels.shape[0] - 1)).astype(int)
        return vertices, faces, _linear(texels[row, column])
    if visual.kind == "face":
        return (vertices[faces].reshape(-1, 3), np.arange(3 * len(faces)).reshape(-1, 3),
                _linear(np.asarray(visual.face_colors)[:, :3].repeat(3, 0)))
    if visual.kind == "vertex":
        return vertices, faces, _linear(np.asarray(visual.vertex_colors)[:, :3])
    return vertices, faces, None


def _linear(levels):
    return to_linear(np.ascontiguousarray(levels, dtype=np.uint8)).astype(np.float64)

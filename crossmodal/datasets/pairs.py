"""Pictures beside their geometry: rgb.png + xyz.tiff or depth.png, in a folder each or in rgb/ and xyz/.

What a file or a folder is, the tables of crossmodal.datasets.names tell.
"""

from pathlib import Path

from crossmodal.datasets.names import ROLES, SUFFIXES, camera_near, folders_of, key_of, rank_of, role_of
from crossmodal.datasets.source import Source, paired

_DEPTH_OF_FOLDERS = 2  # dataset/session/rgb


def listed(root: Path) -> list[Source]:
    """Captures of a folder: rgb/ with xyz/ or depth/, one folder a capture, or root as one capture.

    Errors: ValueError, one line, for a picture without geometry or geometry without a picture.
    """
    return _found(root, "", root.resolve().name, _DEPTH_OF_FOLDERS)


def _found(folder, place, name, levels):
    if found := _tree(folder, place) or _flat(folder, place, name):
        return found
    if not levels:
        return []
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [source for path in below for source in _found(path, f"{place}{path.name}/", path.name, levels - 1)]


def _tree(folder, place):
    """Pictures in one folder, their geometry in its sibling."""
    folders = folders_of(folder)
    if "rgb" not in folders:
        return []
    role = next((role for role in ("xyz", "depth") if role in folders), None)
    if role is None:
        raise ValueError(f"{folders['rgb']} has no xyz/ or depth/ beside it; a capture needs rgb and geometry")
    camera = camera_near(folder)
    return [Source(f"{place}{stem}", image, shape, role, calibration=camera)
            for stem, image, shape in paired(folders["rgb"], folders[role], role)]


def _flat(folder, place, name):
    """Files side by side that differ in the word for their role, or in their suffix alone."""
    held: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (rank_of(path.stem), path)):
        if path.name.startswith(".") or not path.is_file():
            continue
        suffix, role = path.suffix.lower(), role_of(path.stem)
        if role is None:  # a .pcd beside a picture of its name is a scene by itself, and that its preview
            role = "rgb" if suffix in SUFFIXES["rgb"] else "xyz" if suffix in SUFFIXES["xyz"][:-1] else None
            if role is None or path.stem in ("mask", "gt"):
                continue
        elif suffix not in SUFFIXES[role]:
            continue
        held.setdefault(key_of(path.stem), {}).setdefault(role, path)
    found, camera = [], camera_near(folder)
    for key, files in sorted(held.items()):
        geometry = files.get("xyz") or files.get("depth")
        if "rgb" in files and geometry:
            own = f"{place}{key}" if key else place.rstrip("/") or name
            found.append(Source(own, files["rgb"], geometry, "xyz" if "xyz" in files else "depth",
                                calibration=camera))
        elif alone := next((path for path in files.values() if path.stem.lower() in ("rgb", "xyz", "depth")), None):
            gone = "xyz.tiff or depth.png" if "rgb" in files else "rgb.png"
            raise ValueError(f"{alone} has no {gone} beside it; a capture needs rgb and geometry")
    return found


def pair(rgb: Path, geometry: Path, name: str = "") -> Source:
    """Two files as one capture; what the geometry is, its own array tells."""
    said = role_of(geometry.stem) or ROLES.get(geometry.parent.name.lower())
    role = "xyz" if said == "xyz" or geometry.suffix.lower() in (".ply", ".pcd") else "depth"
    return Source(name or rgb.stem, rgb, geometry, role, calibration=camera_near(geometry.parent))

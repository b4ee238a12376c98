"""Meshes: read and written, edited by the same field as every capture, seen by a ring of cameras."""

from crossmodal.meshes.edit import MeshResult
from crossmodal.meshes.files import read_mesh, write_mesh

__all__ = ["MeshResult", "read_mesh", "write_mesh"]

"""The virtual scanner: an analytic shape or a mesh, one lamp, materials and a camera → a noise-free Capture.

It is the independent truth of the tests: nothing here knows what a defect is.
"""

from crossmodal.scanner.exposure import Scene, scan
from crossmodal.scanner.housing import showcase
from crossmodal.scanner.materials import Brushed, Cast, Lamp, Material, Painted
from crossmodal.scanner.mesh import Mesh
from crossmodal.scanner.renderers import Hits, Open3DRays, PyTorch3DRaster, Renderer, render
from crossmodal.scanner.ring import look_at, ring, scan_ring
from crossmodal.scanner.shapes import Box, Cylinder, Plane, Sphere, Step, rotation_about
from crossmodal.scanner.solid import Part, Solid

__all__ = ["Box", "Brushed", "Cast", "Cylinder", "Hits", "Lamp", "Material", "Mesh", "Open3DRays", "Painted", "Part",
           "Plane", "PyTorch3DRaster", "Renderer", "Scene", "Solid", "Sphere", "Step", "look_at", "render", "ring",
           "rotation_about", "scan", "scan_ring", "showcase"]

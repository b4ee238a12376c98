"""The coupler: edits × a capture, a rig or a cloud → the same type, in all its modalities, with the truth about it."""

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from crossmodal.capture import Capture, Rig
from crossmodal.change import Edit
from crossmodal.clouds.cloud import Cloud
from crossmodal.clouds.imprint import imprinted as imprinted_cloud
from crossmodal.clouds.pushed import pushed
from crossmodal.clouds.result import CloudResult
from crossmodal.imprinted import imprinted
from crossmodal.lifted import LiftedEdit
from crossmodal.lifted_views import edits_of_views
from crossmodal.plan import Plan
from crossmodal.result import Result
from crossmodal.scanner.mesh import Mesh
from crossmodal.sensor import Sensor
from pointcloud import PointCloud


@singledispatch
def imprint(target, edits, plan: Plan | None = None, sensor: Sensor | None = None):
    """Let a capture, a rig, a cloud or a mesh see one edit or several, in order.

    Capture → Result. Rig → a tuple of Results, one a view, all of the one edit. Cloud → CloudResult. Mesh →
    MeshResult. PointCloud → PointCloud with labels (N,) uint8, i + 1 where the i-th edit is; its points rise with the
    matter that is laid on them, and none are added. Edits stand in the target's own frame, lifted ones in the view of a
    rig that the plan names, or in its first; a later one lies on what an earlier one left. The sensor (the capture's
    own if none is given) measures what changed; masks tell of the change before its noise, where bits tell of it too.
    """
    raise TypeError("a defect can be imprinted in a Capture, a Rig, a Cloud, a Mesh or a PointCloud, but got "
                    f"{type(target).__name__}")


@imprint.register
def _(capture: Capture, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> Result:
    return imprinted(capture, _several(edits), plan, sensor)


@imprint.register
def _(rig: Rig, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> tuple[Result, ...]:
    edits = _several(edits)
    if any(isinstance(edit, LiftedEdit) for edit in edits):
        at = rig.view_named("" if plan is None else plan.capture)
        return tuple(imprint(view, own, plan, sensor)
                     for view, own in zip(rig.views, edits_of_views(rig, edits, at), strict=True))
    return tuple(imprint(view, [edit.moved(np.linalg.inv(pose)) for edit in edits], plan, sensor)
                 for view, pose in zip(rig.views, rig.T_rig_camera, strict=True))


@imprint.register
def _(cloud: PointCloud, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> PointCloud:
    return pushed(cloud, _several(edits))


@imprint.register
def _(cloud: Cloud, edits, plan: Plan | None = None, sensor: Sensor | None = None) -> CloudResult:
    return imprinted_cloud(cloud, edits, plan)


@imprint.register
def _(mesh: Mesh, edits, plan: Plan | None = None, sensor: Sensor | None = None):
    from crossmodal.meshes.edit import edited  # meshes are planned in views, so they come after them
    return edited(mesh, _several(edits), plan)


def _several(edits) -> tuple[Edit, ...]:
    return tuple(edits) if isinstance(edits, Sequence) else (edits,)

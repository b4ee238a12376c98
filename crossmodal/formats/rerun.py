"""A Rerun recording: recording.rrd with picture, depth, points and mask of every sample on one timeline. Write only.

Source: rerun.io/docs, archetypes Pinhole, DepthImage, Points3D, SegmentationImage.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from crossmodal.formats.needed import library
from crossmodal.formats.sample import Format, Head, Place, Put, Sample

FILE = "recording.rrd"
_TITLE = "a Rerun recording"


@contextmanager
def written(out: Path, head: Head) -> Iterator[Put]:
    """One file that `rerun FILE` opens; the timeline is called sample."""
    rr = library("rerun", _TITLE)
    recording = rr.RecordingStream("crossmodal", recording_id="crossmodal", send_properties=False)
    recording.save(str(out / FILE))
    recording.log("/", rr.AnnotationContext([(level, kind) for kind, level in head.ids.items()]), static=True)
    number = 0

    def put(place: Place, sample: Sample) -> None:
        nonlocal number
        recording.set_time("sample", sequence=number)
        number += 1
        name = "/".join(word for word in (place.category, place.split, place.kind, place.name) if word)
        recording.log("name", rr.TextDocument(name))
        if sample.camera is not None:
            camera = sample.camera
            recording.log("camera", rr.Pinhole(
                focal_length=(camera.fx, camera.fy), principal_point=(camera.cx, camera.cy),
                resolution=(camera.width, camera.height), camera_xyz=rr.ViewCoordinates.RDF))
        if sample.rgb is not None:
            recording.log("camera/rgb", rr.Image(sample.rgb))
        if sample.points is not None:
            z = sample.points[..., 2]
            recording.log("camera/depth", rr.DepthImage(np.where(np.isfinite(z), z, np.float32(0)), meter=1.0))
        if "gt" in head.holds:
            recording.log("camera/gt", rr.SegmentationImage(sample.levels()))
        if sample.points is not None or sample.cloud is not None:
            cloud = sample.as_cloud()
            colours = {"colors": cloud.rgb} if cloud.rgb is not None else {}
            recording.log("points", rr.Points3D(cloud.xyz_m, class_ids=None if colours else cloud.labels, **colours))

    try:
        yield put
    finally:
        recording.disconnect()


FORMAT = Format("rerun", _TITLE.removeprefix("a "), needs=(), writer=written, checked="the rerun library",
                one_class=False, libraries=("rerun",))

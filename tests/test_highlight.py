"""A highlight is the lamp's image, not the surface's colour: it moves with the surface and leaves no white disc."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from commuting_shapes import GROUND, LAMP
from commuting_tools import Shaped

import crossmodal as cm
from crossmodal.imprint import imprint
from crossmodal.scanner import Material, Mesh, Plane, scan

RADIUS_MM, MIDDLE = 15.0, np.array((0.0, 0.0, 0.3))
GLOSSY = Material((0.40, 0.20, 0.15), specular=0.25, shininess=30)


def scanned(depth_mm, across_mm, material, towards, lamp=LAMP):
    """A ball, pushed in (or, below zero, out) along its own normals about a direction; and the field that says so."""
    def relief(r):
        return -depth_mm * np.maximum(1 - (r / across_mm) ** 2, 0) ** 2

    ball = trimesh.creation.icosphere(subdivisions=7, radius=1.0)
    away = RADIUS_MM * np.arccos(np.clip(ball.vertices @ towards, -1, 1))
    ball.vertices = ball.vertices * (RADIUS_MM + relief(away))[:, None]
    mesh = Mesh(ball.vertices * 1e-3 + MIDDLE, ball.faces, np.array(ball.vertex_normals))
    ground = Plane((0, 0, 0.32), (0, 0, -1))
    camera = cm.Camera(144, 144, 1200.0, 1200.0, 71.6, 72.3)
    field = Shaped(lambda s, t: (relief(np.hypot(s, t)), np.zeros(s.shape, bool)), (across_mm, across_mm),
                   max(depth_mm, 0), max(-depth_mm, 0), across_mm)
    return scan((mesh, ground), camera, lamp, (material, GROUND), samples=1), field


def errors(depth_mm):
    """Mean error in levels where the defect is: relit, relit as if all were matt, and left as it was."""
    towards = np.array(LAMP.direction) - np.array((0.0, 0.0, 1.0))  # where the ball mirrors the lamp
    towards /= np.linalg.norm(towards)
    before, _ = scanned(0.0, 5.0, GLOSSY, towards)
    truth, field = scanned(depth_mm, 5.0, GLOSSY, towards)
    assert before.surface.light.specular > 0.1
    patch = cm.Patch.at(before.surface, MIDDLE + 1e-3 * RADIUS_MM * towards, (1.0, 0.1, 0.0), 8.0)
    glossy = imprint(before, cm.SurfaceEdit(patch, field, "dent"))
    # The same analysis, less its highlight.
    before.__dict__["surface"] = replace(before.surface, light=replace(before.surface.light, specular=0.0))
    matt = imprint(before, cm.SurfaceEdit(replace(patch, surface=before.surface), field, "dent"))
    return [float(np.abs(rgb.astype(float) - truth.rgb)[glossy.gt].mean())
            for rgb in (glossy.after.rgb, matt.after.rgb, before.rgb)]


@pytest.mark.parametrize("depth_mm", [0.5, 0.2, -0.5])
def test_a_highlight_moves_as_on_the_mesh_that_was_bent(depth_mm):
    relit, as_if_matt, left = errors(depth_mm)
    assert 3 * relit <= left
    assert 2.5 * relit <= as_if_matt


def test_a_matt_ball_is_given_no_highlight():
    matt, _ = scanned(0.0, 5.0, Material((0.40, 0.20, 0.15)), np.array((0.0, 0.0, -1.0)))
    assert matt.surface.light.specular == 0


def test_a_droplet_mirrors_the_lamp_where_it_faces_half_way_to_it():
    ball, _ = scanned(0.0, 5.0, Material((0.40, 0.20, 0.15)), np.array((0.0, 0.0, -1.0)))
    spec = cm.Contamination(form="droplet", diameter_mm=7, height_mm=1.6, colour=(40, 40, 60))
    made = cm.synthesize(ball, cm.Recipe(defects=(spec,), place=cm.Place(at_pixel=(60, 60))), seed=2)
    dirt = cm.synthesize(ball, cm.Recipe(defects=(spec.model_copy(update={"form": "blob"}),),
                                         place=cm.Place(at_pixel=(60, 60))), seed=2)
    view = -ball.points / np.linalg.norm(ball.points, axis=-1, keepdims=True)
    half = view + LAMP.direction
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    facing = np.where(made.gt, np.einsum("ijk,ijk->ij", made.after.normals, half), -1)
    rows, columns = np.nonzero(facing >= np.sort(facing[made.gt])[-12])
    bright = np.where(made.gt, made.after.rgb.astype(int).sum(-1), 0)
    brightest = np.unravel_index(int(bright.argmax()), bright.shape)
    assert np.hypot(rows - brightest[0], columns - brightest[1]).min() <= 3
    assert bright.max() > 1.5 * dirt.after.rgb[dirt.gt].astype(int).sum(-1).max()

"""L7, L12 and L14 as checks: a defect's size in mm, whatever distance and resolution it is seen at."""

import numpy as np
import truth
from hypothesis import strategies as st
from scipy.spatial import cKDTree

import crossmodal as cm
from crossmodal.edit import measure

# sizes of the field that a spec's own words name
FOUND = {"length_mm": "length_mm", "diameter_mm": "length_mm", "width_mm": "width_mm", "depth_mm": "max_depth_mm",
         "height_mm": "max_height_mm"}


def requested(spec):
    """The sizes in mm that a drawn spec asks for, by the name under which they are found."""
    return {FOUND[name]: getattr(spec, name)[0] for name in spec.sizes if name in FOUND}


def area_mm2(scene, planned, mask):
    """mm² of undisturbed surface behind a mask, by the closed form."""
    chart = scene.chart(planned)
    z, _ = chart.hit(scene.capture.camera.ray_map())
    return float(np.nansum(np.where(mask, truth.pixel_area_mm2(chart, scene.capture.camera, z), 0)))


def outline_mm(field, across=300):
    """Length of the support's outline, mm: marched on a grid of the field."""
    s0, s1, t0, t1 = field.bounds_mm
    s, t = np.meshgrid(np.linspace(s0, s1, across), np.linspace(t0, t1, across))
    inside = np.pad(field.sample(s.ravel(), t.ravel()).support.reshape(s.shape), 1)
    ds, dt = (s1 - s0) / (across - 1), (t1 - t0) / (across - 1)
    # Each cell that the outline crosses holds about π/4 of the steps that a staircase would take.
    steps = (inside[:, 1:] != inside[:, :-1]).sum() * dt + (inside[1:] != inside[:-1]).sum() * ds
    return float(np.pi / 4 * steps)


def largest_mm(scene, planned, result):
    """(deepest, highest) mm that a point after stands below and above the ideal surface."""
    sth = scene.chart(planned).sth(result.after.points[result.gt].astype(np.float64))
    return max(0.0, -sth[:, 2].min()), max(0.0, sth[:, 2].max())


def peak_deficit_mm(scene, planned, field):
    """(in, out) mm that the true first hits at pixel centres fall short of the field's own extremes."""
    seen = scene.seen(planned)
    s0, s1, t0, t1 = field.bounds_mm
    s, t = np.meshgrid(np.linspace(s0, s1, 401), np.linspace(t0, t1, 401))
    d = field.sample(s.ravel(), t.ravel()).displacement_mm
    got = seen.displacement_mm[seen.support]
    return max(0.0, -float(d.min())) - max(0.0, -got.min()), max(0.0, float(d.max())) - max(0.0, got.max())


def bend_at_peaks_mm(field, spacing_mm, across=240):
    """How far a field leaves the straight line between samples so far apart, where it is within a fifth of its
    extremes: what a mesh of that spacing can miss of its depth and height."""
    s0, s1, t0, t1 = field.bounds_mm
    s, t = np.meshgrid(np.linspace(s0, s1, across), np.linspace(t0, t1, across))
    here = field.sample(s.ravel(), t.ravel()).displacement_mm.astype(float)
    at_peak = (here <= 0.8 * min(here.min(), 0)) & (here < 0) | (here >= 0.8 * max(here.max(), 0)) & (here > 0)
    worst = 0.0
    for angle in np.arange(0, np.pi, np.pi / 4):
        ds, dt = np.cos(angle) * spacing_mm / np.sqrt(2), np.sin(angle) * spacing_mm / np.sqrt(2)
        ends = [field.sample((s + k * ds).ravel(), (t + k * dt).ravel()).displacement_mm for k in (-1, 1)]
        worst = max(worst, float(np.abs(here - 0.5 * (ends[0] + ends[1]))[at_peak].max(initial=0.0)))
    return worst


def check_areas(pairs, planned_field, coarse_mm_per_pixel):
    """mm² of two pictures of one defect agree within 2 px × perimeter of the coarser one. pairs: the two mm²."""
    allowed = 2 * coarse_mm_per_pixel * outline_mm(planned_field)
    assert abs(pairs[0] - pairs[1]) <= allowed, f"{pairs[0]:.2f} and {pairs[1]:.2f} mm², allowed {allowed:.2f}"


def check_L7(near, far, scenes, plans):
    """At twice the distance: a quarter of the pixels, the same mm²."""
    planned = plans[0].defects[0]
    field = truth.field_of(planned)
    pixel_mm = 2 * 1e3 * planned.anchor_m[2] / scenes[0].capture.camera.fx
    slant = abs(np.dot(planned.normal, planned.anchor_m)) / np.linalg.norm(planned.anchor_m)
    spacing = pixel_mm / slant
    areas = [area_mm2(s, p.defects[0], r.gt) for s, p, r in zip(scenes, plans, (near, far), strict=True)]
    check_areas(areas, field, spacing)
    outline_px = outline_mm(field) / pixel_mm
    assert near.gt.any()
    assert abs(near.gt.sum() / 4 - far.gt.sum()) <= 2 * outline_px, f"{near.gt.sum()} and {far.gt.sum()} px"
    ours = [m.area_mm2 for r in (near, far) for m in r.measured]
    assert abs(ours[0] - ours[1]) <= 1e-3 * ours[0]
    return int(far.gt.sum())


def check_L12(full, half, scenes, planned):
    """Half the pixels a side: the same mm², and the same mm of depth but for what the coarser sampling misses."""
    field = truth.field_of(planned)
    camera = scenes[1].capture.camera
    slant = abs(np.dot(planned.normal, planned.anchor_m)) / np.linalg.norm(planned.anchor_m)
    spacing = 1e3 * planned.anchor_m[2] / min(camera.fx, camera.fy) / slant
    areas = [area_mm2(s, planned, r.gt) for s, r in zip(scenes, (full, half), strict=True)]
    check_areas(areas, field, spacing)
    found = [largest_mm(s, planned, r) for s, r in zip(scenes, (full, half), strict=True)]
    missed = [peak_deficit_mm(s, planned, field) for s in scenes]
    for k in (0, 1):
        allowed = max(0.01 * max(found[0][k], found[1][k]), missed[0][k] + missed[1][k],
                      bend_at_peaks_mm(field, spacing)) + 1e-3
        assert abs(found[0][k] - found[1][k]) <= allowed, f"{found[0][k]:.4f} and {found[1][k]:.4f} mm"
    return int(half.gt.sum())


def check_L14_on_the_field(field, wanted, across=300):
    """Requested sizes are found on the field, ±1 %."""
    got = measure(field, across=across)
    for name, want in wanted.items():
        assert abs(getattr(got, name) - want) <= 0.01 * want, f"{name}: {getattr(got, name):.4f}, requested {want:.4f}"
    return len(wanted)


def check_L14_on_the_turn(field, low_deg, high_deg):
    """The end of a warp has turned as far as asked, ±1 %, along it or across it, and nothing turns farther that way."""
    s0, s1, t0, t1 = field.bounds_mm
    s, t = np.linspace(s0, s1, 401), np.linspace(t0, t1, 401)
    d = field.sample(*(g.ravel() for g in np.meshgrid(s, t))).displacement_mm.reshape(401, 401).astype(np.float64)
    slopes = np.gradient(d, t, s)
    turned = [np.degrees(np.arctan(slope[:, -2].mean())) for slope in slopes]
    most = [np.degrees(np.arctan(slope[1:-1, 1:-1].max(0)[-1])) for slope in slopes]
    off = [max(abs(a - low_deg), abs(b - high_deg)) for a, b in zip(turned, most, strict=True)]
    assert min(off) <= 0.01 * high_deg, f"turned by {turned[int(np.argmin(off))]:.3f} degrees, asked for {low_deg:.3f}"
    return 1


def extents_mm(st_inside, st_outside, fine):
    """(length, width) mm of a footprint known by chart points inside and outside of it.

    A lattice of pixels falls short of the outline by about (9/(32·ρ))^⅓ px at an end of radius ρ px (the cap
    above the last lattice point holds about one pixel), on either side; that is added back where ρ is large
    enough for it to be known (``fine``: 20 px).
    """
    pitch = np.median(cKDTree(st_inside).query(st_inside, 5)[0][:, 1:])
    tree = cKDTree(st_outside)
    clear, _ = tree.query(st_inside)
    # The largest disc: the outside points bound it from without, as the inside ones would from within.
    radius = clear.max()

    cap = pitch * (9 / (32 * max(radius / pitch, 1))) ** (1 / 3) if fine else 0.0
    return truth.feret_mm(st_inside) + 2 * cap, 2 * radius - (2 * cap if fine else pitch)


def found_on(scene, planned, result, fine):
    """The sizes of a result, from its gt and its points alone, in the closed-form chart."""
    sth = scene.chart(planned).sth(result.after.points.astype(np.float64))
    flat = sth[..., :2]
    near = truth.grown_by(result.gt, 3) & ~result.gt & np.isfinite(flat).all(-1)
    length, width = extents_mm(flat[result.gt], flat[near], fine)
    deep, high = largest_mm(scene, planned, result)
    return {"length_mm": length, "width_mm": width, "max_depth_mm": deep, "max_height_mm": high}


def check_L14_on_the_capture(scene, planned, result, wanted, pixel_mm, printed=None):
    """Requested sizes are found in the picture: ±1 % with ≥ 40 px across the smallest; below that laterally one
    pixel, in depth what sampling misses."""
    lateral = [wanted[name] for name in ("length_mm", "width_mm") if name in wanted]
    fine = min(lateral) >= 40 * pixel_mm
    got = found_on(scene, planned, result, fine)
    # A pixel's centre may miss the extreme, and the pixel itself sees the mean over its own width.
    field = truth.field_of(planned)
    missed = truth.sampling_deficit_mm(field, pixel_mm)
    deficits = {name: d + missed for name, d in zip(("max_depth_mm", "max_height_mm"),
                                                    peak_deficit_mm(scene, planned, field), strict=True)}
    for name, want in wanted.items():
        allowed = 0.01 * want
        if not fine:
            allowed = max(allowed, pixel_mm if name in ("length_mm", "width_mm") else deficits[name] + 1e-3)
        if printed is not None:
            printed.append(f"{name} requested {want:.3f} found {got[name]:.3f} allowed ±{allowed:.3f}")
        assert abs(got[name] - want) <= allowed, f"{name}: {got[name]:.4f}, requested {want:.4f} ± {allowed:.4f}"
    return len(wanted)


def far_scene(scene, plan):
    """The scene and plan moved along the anchor's own ray to twice its distance."""
    T = np.eye(4)
    T[:3, 3] = plan.defects[0].anchor_m
    return scene.moved(T), plan.moved(T)


def half_scene(scene):
    return scene.moved(np.eye(4), scene.capture.camera.resized(0.5))


BIG = st.builds(lambda kind, d, share: {
    "dent": lambda: cm.Dent(diameter_mm=d, depth_mm=share * d),
    "bump": lambda: cm.Bump(diameter_mm=d, height_mm=share * d),
    "stain": lambda: cm.Stain(diameter_mm=d),
    "scratch": lambda: cm.Scratch(length_mm=2.2 * d, width_mm=0.42 * d, depth_mm=0.4 * share * d)}[kind](),
    st.sampled_from(("dent", "bump", "scratch", "stain")), st.floats(8, 10), st.sampled_from((0.02, 0.06)))

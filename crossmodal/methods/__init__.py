"""The survey's methods as recipes of a few blocks: Space × Region × Content × Blend × Effect, with a Label and a Gate.

spec.py       Method and Blocks: a recipe, and its published form; presets/*.yaml are those that ship
Space         on a surface, in mm (unrolled.py, cloud_canvas.py), or on a photograph (picture.py): a Canvas (canvas.py)
Region        where: regions.py, perlin.py, kernels.py, masks.py, library.py, outline.py, unbounded.py; & | ~ algebra.py
Content       what is laid there: contents.py, of textures.py, materials.py, donors.py, crops.py, scorched.py
Blend         how it meets what was there: blends.py
Effect        what becomes of the shape: effects.py
Label, Gate   what a detector is to learn: label.py, made by labels.py; which draws are kept: gate.py

    Method --drawing.py, gated.py--> Plan (Made) --making.py--> SurfaceEdit (field.py) or LiftedEdit (photograph.py)
    canvas → area_of(region) → laid(content) → blended(blend) → shaped(effect) → field, which all modalities see

A block is a frozen class of ranges (block.py, draws.py, units.py) with a kind, and one function registered for it, both
in one file; AnyRegion (algebra.py), AnyContent, AnyBlend or AnyEffect then names it. feature/ has methods whose anomaly
lives in a network's features, which are none of these.
"""

"""The JSON schema of a recipe: what a person, the grammar or a model may ask for, made from the specs."""

from crossmodal.recipe import Recipe


def schema() -> dict:
    """JSON Schema (2020-12) of a Recipe with its defects and places. What it accepts, Recipe.model_validate reads, but
    for what no schema says: that a range goes from low to high."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "crossmodal-recipe",
            **Recipe.model_json_schema()}

"""The light in a picture: a lamp, what else stands round, and how glossy matter returns it."""

from dataclasses import dataclass

import numpy as np

EVEN_SKY = (0.0,) * 9
NO_IDEA = 180.0  # degrees, as doubtful as a direction can be
DARKEST = 0.02  # of full light; nothing that a lamp and a room light is darker


@dataclass(frozen=True)
class Light:
    """A lamp and a sky: a matt surface returns ambient + sky(n) + diffuse·max(0, n·direction), and a glossy one the
    lamp's own light besides, specular·max(0, n·h)^shininess, h half way to the viewer (Blinn 1977).

    direction: unit vector towards the lamp, camera axes; the brightness of a surface that faces it is 1
    confidence: 0 to 1, how much of the shading that pictures of this scene show it explains
    specular: linear light of the highlight, whatever the surface's colour; 0 where no highlight was made out
    sky: how uneven the surroundings are, as a matt surface sees them: the harmonics up to order 2 of their light
        (Ramamoorthi & Hanrahan 2001), as factors of x, y, z, x², y², z², yz, zx, xy of the normal. Matter whose
        shading is steeper than a matt one's is said so too; nothing is darker than DARKEST
    doubt_deg: how far the direction may be off, one deviation; 0 where somebody said it
    """

    direction: tuple[float, float, float]
    ambient: float
    diffuse: float
    confidence: float
    specular: float = 0.0
    shininess: float = 1.0
    sky: tuple[float, float, float, float, float, float, float, float, float] = EVEN_SKY
    doubt_deg: float = 0.0

    def shading(self, normals: np.ndarray, lit: np.ndarray | float = 1.0) -> np.ndarray:
        """Relative brightness (...) of normals (..., 3); lit is 1 where the lamp is seen, 0 in its shadow."""
        towards = np.maximum(normals @ np.asarray(self.direction, np.float32), 0.0)
        shade = self.ambient + self.diffuse * towards * lit
        if self.sky == EVEN_SKY:
            return shade
        return np.maximum(shade + harmonics(normals) @ np.asarray(self.sky, np.float32), DARKEST)

    def turned(self, rotation: np.ndarray) -> "Light":
        """The same light in the axes that the rotation (3, 3) maps to."""
        x, y, z, xx, yy, zz, yz, zx, xy = self.sky
        slope = rotation @ np.array((x, y, z))
        bend = rotation @ np.array(((xx, xy / 2, zx / 2), (xy / 2, yy, yz / 2), (zx / 2, yz / 2, zz))) @ rotation.T
        sky = *slope, *np.diag(bend), 2 * bend[1, 2], 2 * bend[2, 0], 2 * bend[0, 1]
        return Light(tuple(float(v) for v in rotation @ np.array(self.direction)), self.ambient, self.diffuse,
                     self.confidence, self.specular, self.shininess, tuple(float(v) for v in sky), self.doubt_deg)


def harmonics(normals: np.ndarray) -> np.ndarray:
    """(..., 9) what ``Light.sky`` holds the factors of, at unit normals (..., 3)."""
    x, y, z = np.moveaxis(normals, -1, 0)
    return np.stack((x, y, z, x * x, y * y, z * z, y * z, z * x, x * y), -1)


AMBIENT = Light((0.0, 0.0, -1.0), 1.0, 0.0, 0.0, doubt_deg=NO_IDEA)
"""Light from everywhere: a change of normal changes nothing."""

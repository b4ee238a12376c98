"""An array as text, in what is written as JSON or YAML."""

import math
import zlib
from base64 import b64decode, b64encode
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict


class PackedArray(BaseModel):
    """An array as text: zlib in base64, exact to the bit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: Literal["uint8", "float32", "bool"]
    shape: tuple[int, ...]
    data: str

    @classmethod
    def of(cls, array: np.ndarray) -> "PackedArray":
        return cls(dtype=array.dtype.name, shape=array.shape,
                   data=b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6)).decode())

    def array(self) -> np.ndarray:
        """The array again. Raises ValueError when the text was damaged."""
        try:
            size = math.prod(self.shape) * np.dtype(self.dtype).itemsize
            # No more than the shape holds: a few bytes from anywhere may stand for gigabytes.
            stream = zlib.decompressobj()
            data = stream.decompress(b64decode(self.data, validate=True), max(0, size) + 1)
            if not stream.eof:
                raise ValueError
            return np.frombuffer(data, self.dtype).reshape(self.shape)
        except (ValueError, zlib.error):
            raise ValueError("a packed array is damaged; make again what holds it") from None

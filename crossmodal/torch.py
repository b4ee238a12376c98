"""A PyTorch dataset that makes its defects as it is read."""

from collections.abc import Sequence

from crossmodal.augment import Augment, arrays
from crossmodal.capture import Capture
from crossmodal.methods.spec import Method
from crossmodal.recipe import Recipe

try:
    import torch
    from torch.utils.data import Dataset
except ImportError as error:
    raise ImportError("crossmodal.torch needs PyTorch: pip install 'crossmodal-anomaly[torch]'") from error


class SyntheticDataset(Dataset):
    """Map-style: item i is capture i with a fresh defect, the same for any number of workers.

    captures: any sequence of Captures; one that reads from disk when it is asked keeps memory small, a list keeps
        each capture's analysis
    epoch: names the draw; ``dataset.epoch += 1`` between epochs makes new defects, in workers that stay
        (``persistent_workers=True``) too

    An item is a dict of ``name`` and tensors: rgb uint8 (3, H, W); xyz, normals float32 (3, H, W), depth float32
    (1, H, W), metres, zeros where nothing was measured; mask_rgb, mask_depth, mask_points, gt, valid bool (1, H, W);
    soft float32 (1, H, W), gt or a method's soft label, 0 to 1.
    Raises ValueError where the recipe fits nowhere on a capture.
    """

    def __init__(self, captures: Sequence[Capture], recipe: Recipe | Method, seed: int = 0, epoch: int = 0):
        if not len(captures):
            raise ValueError("a dataset needs at least one capture, but got none")
        self.captures, self.augment = captures, Augment(recipe, seed)
        self._epoch = torch.tensor(epoch).share_memory_()  # a worker that stays has its own copy of all else

    @property
    def epoch(self) -> int:
        """Which draw items are of."""
        return int(self._epoch)

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._epoch.fill_(value)

    def __len__(self) -> int:
        return len(self.captures)

    def __getitem__(self, index: int) -> dict:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        capture = self.captures[index]
        made = arrays(self.augment.made(capture, self.epoch * len(self) + index))
        return {"name": capture.name} | {name: _tensor(array) for name, array in made.items()}


def _tensor(array) -> torch.Tensor:
    """(H, W[, 3]) → (1 or 3, H, W), contiguous."""
    planes = torch.from_numpy(array)
    return planes[None] if planes.ndim == 2 else planes.permute(2, 0, 1).contiguous()

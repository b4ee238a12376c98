"""The learner of 07_train_segmentation.py: what a small net is shown, its layers, its loss, its score and a picture."""

import cv2
import numpy as np
import torch
from torch.nn import BatchNorm2d, Conv2d, PixelShuffle, ReLU, Sequential
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits


class Learner:
    """A net of eight layers and its optimiser. It sees 35 pixels to each side, so that a defect fits in."""

    def __init__(self, steps: int, seed: int = 0):
        torch.manual_seed(seed)
        halved = [_layer(32, 32, reach=reach) for reach in (1, 2, 4, 8, 1)]
        self.net = Sequential(_layer(7, 16), _layer(16, 32, stride=2), *halved, Conv2d(32, 4, 1), PixelShuffle(2))
        self.optimiser = torch.optim.Adam(self.net.parameters())
        self.pace = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, 4e-3, steps)

    def learn(self, items: dict) -> float:
        """One step on a loader's batch of a SyntheticDataset → its loss."""
        self.net.train()
        loss = missed(self.net(inputs(items)), items["gt"].float())
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.pace.step()
        return loss.item()

    def answers(self, items: dict) -> torch.Tensor:
        """(N, 1, H, W), 0 to 1: how sure the net is that there is a defect."""
        self.net.eval()
        with torch.no_grad():
            return self.net(inputs(items)).sigmoid()


def _layer(before, after, stride=1, reach=1):
    return Sequential(Conv2d(before, after, 3, stride, reach, reach), BatchNorm2d(after), ReLU())


def inputs(items: dict) -> torch.Tensor:
    """(N, 7, H, W): colour, relief and normals, all about 0."""
    depth = items["depth"]
    # Less what lies around: where an object lies is not what its defects are.
    relief_mm = 1e3 * (depth - avg_pool2d(depth, 9, 1, 4, count_include_pad=False))
    return torch.cat((items["rgb"] / 255 - 0.5, relief_mm.clamp(-2, 2), items["normals"]), 1)


def missed(said: torch.Tensor, gt: torch.Tensor) -> torch.Tensor:
    """Cross-entropy for every pixel, and Dice's overlap because defects are few of them (Milletari et al. 2016)."""
    sure = said.sigmoid()
    dice = (2 * (sure * gt).sum() + 1) / (sure.sum() + gt.sum() + 1)
    return binary_cross_entropy_with_logits(said, gt) + 1 - dice


def overlap(sure: torch.Tensor, items: dict) -> float:
    """Intersection over union of the answers, from 0.5 on, and the truth."""
    said = sure > 0.5
    return float((said & items["gt"]).sum() / (said | items["gt"]).sum())


def sheet(items: dict, *answers: torch.Tensor, most: int = 4) -> np.ndarray:
    """(h, w, 3) uint8 BGR: a row a sample of picture, normals, truth and each of the answers."""
    greys = (255 * mask.expand(-1, 3, -1, -1) for mask in (items["gt"], *answers))
    columns = (items["rgb"], 127 * (1 - items["normals"]), *greys)
    rows = [np.hstack([column[i].permute(1, 2, 0).byte() for column in columns]) for i in range(most)]
    return cv2.resize(np.vstack(rows)[..., ::-1], None, fx=2, fy=2)

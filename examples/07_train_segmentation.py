"""A small segmentation net learns from defects that are made as they are read: half a minute on the CPU.

You will see bars and defects that it was never shown: picture, normals, truth, and what it says before and after.
"""

import cv2
import numpy as np
from small_net import Learner, overlap, sheet
from torch.utils.data import DataLoader

import crossmodal as cm
from crossmodal.scanner import Cast, Cylinder, Lamp, Material, Plane, scan
from crossmodal.torch import SyntheticDataset

bars = [scan((Cylinder((0, 0, 0.34), (np.cos(i), np.sin(i), 0), 0.018), Plane((0, 0, 0.35), (0, 0, -1))),
             cm.Camera(96, 96, 600, 600, 47.5, 47.5), Lamp((-0.5, -0.4, -0.75), 0.3, 0.7),
             Material((0.35, 0.36, 0.4), Cast(seed=i)), name=f"bar {i}") for i in range(12)]
kinds = [kind(diameter_mm=("25%", "40%")) for kind in (cm.Dent, cm.Bump, cm.Contamination, cm.Stain)]
recipe = cm.Recipe(defects=kinds, count=1)
dataset, unseen = SyntheticDataset(bars[:8], recipe), SyntheticDataset(2 * bars[8:], recipe)
exam = next(iter(DataLoader(unseen, len(unseen))))


def train(epochs=200):
    learner, loader = Learner(steps=2 * epochs), DataLoader(dataset, batch_size=4, shuffle=True)
    before, losses = learner.answers(exam), []
    for dataset.epoch in range(epochs):  # each has defects of its own
        losses += map(learner.learn, loader)
    return losses, before, learner.answers(exam)


if __name__ == "__main__":
    _, before, after = train()
    cv2.imwrite("07_train_segmentation.jpg", sheet(exam, before, after))
    print(f"07_train_segmentation.jpg: overlap with the truth {overlap(before, exam):.2f} before, "
          f"{overlap(after, exam):.2f} after")

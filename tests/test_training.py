"""Into training: the same items for any number of workers, new defects each epoch, dicts of arrays."""

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from test_docs import check_alike
from torch.utils.data import DataLoader

import crossmodal as cm
from crossmodal import captures
from crossmodal.augment import Augment
from crossmodal.torch import SyntheticDataset

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RECIPE = cm.Recipe(defects=(cm.Contamination(), cm.Dent(), cm.Stain()), count=1)


@pytest.fixture(scope="module")
def good():
    return [captures.load(name) for name in captures.names()[:2]]


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in Augment.ARRAYS)


def loader(dataset, workers):
    context = {"multiprocessing_context": "spawn", "persistent_workers": True} if workers else {}
    return DataLoader(dataset, batch_size=None, num_workers=workers, **context)


def test_items_are_the_same_for_any_number_of_workers_that_stay(good):
    dataset = SyntheticDataset(good, RECIPE, seed=5)
    two = loader(dataset, 2)
    for dataset.epoch in (0, 1):
        alone, made = list(loader(dataset, 0)), list(two)
        assert len(made) == len(good)
        assert all(same(one, other) for one, other in zip(alone, made, strict=True))


def test_the_example_learns_and_its_picture_is_laid_out_as_shown(monkeypatch):
    """What the net says hangs on a library's sums; that its loss falls, and what it is shown, does not."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example = runpy.run_path(str(EXAMPLES / "07_train_segmentation.py"))
    losses, before, after = example["train"](epochs=8)
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])
    made = example["sheet"](example["exam"], before, after)
    shown = cv2.imread(str(EXAMPLES / "gallery" / "07_train_segmentation.jpg"))
    assert made.shape == shown.shape
    _, packed = cv2.imencode(".jpg", made)
    there = 3 * made.shape[1] // 5  # picture, normals and truth; the answers are beside them
    check_alike(cv2.imdecode(packed, cv2.IMREAD_COLOR)[:, :there], "07_train_segmentation.jpg", columns=there)


def test_a_new_epoch_makes_new_defects_and_an_old_one_comes_back(good):
    dataset = SyntheticDataset(good, RECIPE, seed=5)
    first = dataset[0]
    dataset.epoch = 1
    assert not torch.equal(first["gt"], dataset[0]["gt"])
    dataset.epoch = 0
    assert same(first, dataset[0])
    assert not torch.equal(first["gt"], SyntheticDataset(good, RECIPE, seed=6)[0]["gt"])


def test_an_item_holds_every_modality_in_tensors(good):
    item = SyntheticDataset(good, cm.Recipe(defects=(cm.Contamination(),)), seed=1)[-1]
    capture = good[-1]
    height, width = capture.shape
    assert item["name"] == capture.name
    assert (item["rgb"].dtype, item["rgb"].shape) == (torch.uint8, (3, height, width))
    for name in ("xyz", "normals"):
        assert (item[name].dtype, item[name].shape) == (torch.float32, (3, height, width))
    for name in ("mask_rgb", "mask_depth", "mask_points", "gt", "valid"):
        assert (item[name].dtype, item[name].shape) == (torch.bool, (1, height, width))
    assert item["gt"].any()
    assert item["mask_depth"].any()
    assert torch.equal(item["depth"][0], item["xyz"][2])
    assert torch.isfinite(item["xyz"]).all()
    assert torch.isfinite(item["normals"]).all()
    assert not item["xyz"][:, ~item["valid"][0]].any()
    outside = ~item["mask_rgb"][0].numpy()
    assert np.array_equal(item["rgb"].permute(1, 2, 0).numpy()[outside], capture.rgb[outside])


@pytest.mark.parametrize("invalid", [0.0, np.nan])
def test_a_dict_of_arrays_comes_back_with_a_defect(good, invalid):
    capture = good[0]
    sample = {"rgb": capture.rgb, "xyz": np.nan_to_num(capture.points, nan=invalid), "camera": capture.camera,
              "label": 3}
    augment = Augment(RECIPE, seed=2)
    made, again, other = augment(sample, draw=4), augment(sample, draw=4), augment(sample, draw=5)
    assert set(made) == {*sample, *Augment.ARRAYS}
    assert made["label"] == 3
    assert made["gt"].any()
    assert all(np.array_equal(made[name], again[name]) for name in Augment.ARRAYS)
    assert not np.array_equal(made["gt"], other["gt"])
    assert np.array_equal(sample["rgb"], capture.rgb)


@pytest.mark.parametrize(("sample", "said"), [
    ({"rgb": 0}, "a sample needs rgb and xyz, but has no xyz: it holds rgb"),
    ({"rgb": 0, "xyz": np.zeros((4, 4))}, "xyz must be float32 (H, W, 3), but got float64 (4, 4)")])
def test_what_is_no_sample_is_refused(sample, said):
    with pytest.raises(ValueError) as error:
        Augment(RECIPE)(sample, 0)
    assert str(error.value) == said


def test_what_fits_nowhere_is_said_with_the_capture(good):
    recipe = cm.Recipe(defects=(cm.Dent(diameter_mm=5000, depth_mm=1),))
    with pytest.raises(ValueError, match=f"{good[0].name}: no place for a dent"):
        SyntheticDataset(good, recipe)[0]
    with pytest.raises(ValueError, match="at least one capture"):
        SyntheticDataset([], recipe)

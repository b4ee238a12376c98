"""The contract with anomalib: its own data modules load what is written here, and one of its models trains on it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import trees

from crossmodal.cli import main
from crossmodal.datasets.class_ids import read_class_ids
from depth import read_xyz
from rgb import read_mask

pytest.importorskip("anomalib")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of its own house

KINDS = ("dent", "stain")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A category as synthesize writes it: 3 in train/good, 1 in test/good, 2 of each kind."""
    folder = tmp_path_factory.mktemp("contract")
    source = trees.write_category(folder / "source" / "part", 3, 1, 1)
    assert main(["synthesize", str(source), "--out", str(folder / "made" / "part"), "--kinds", ",".join(KINDS),
                 "--count", "4", "--allow-overlap"]) == 0
    return folder / "made" / "part"


def of_yaml(tree: Path, name: str = "anomalib.yaml"):
    from anomalib.data import AnomalibDataModule

    return AnomalibDataModule.from_config(tree / name, **{"data.init_args.root": str(tree)})


def of_category(tree: Path):
    from anomalib.data import MVTec3D

    return MVTec3D(root=tree.parent, category=tree.name)


def batches(module) -> tuple[list, list]:
    """Every sample that its train and test loaders give, one batch after the other, in this process."""
    module.num_workers, module.train_batch_size, module.eval_batch_size = 0, 2, 2
    module.setup()
    return list(module.train_dataloader()), list(module.test_dataloader())


def check(train, test, tree: Path, kinds) -> None:
    """What the loaders give is what the files hold: pictures, xyz, masks that are not empty, labels."""
    assert sum(len(batch.image) for batch in train) == 3
    assert not any(batch.gt_label.any() for batch in train)
    ids = read_class_ids(tree / "class_ids.json")
    seen = []
    for batch in [*train, *test]:
        for i, path in enumerate(map(Path, batch.image_path)):
            split, kind, _ = path.relative_to(tree).parts[:3]
            xyz = read_xyz(path.parents[1] / "xyz" / f"{path.stem}.tiff")
            assert batch.image[i].shape == (3, *xyz.shape[:2])
            assert np.array_equal(batch.depth_map[i].numpy().transpose(1, 2, 0), xyz)
            assert np.isfinite(xyz).all()
            if split == "train":
                continue
            seen.append(kind)
            assert bool(batch.gt_label[i]) == (kind != "good")
            mask = read_mask(path.parents[1] / "gt" / path.name)
            assert np.array_equal(batch.gt_mask[i].numpy().astype(bool), mask > 0)
            assert set(np.unique(mask)) == ({0} if kind == "good" else {0, ids[kind]})
    assert {kind: seen.count(kind) for kind in set(seen)} == {"good": seen.count("good")} | dict.fromkeys(kinds, 2)
    assert seen.count("good") >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_folder3d_loads_the_yaml_that_is_shipped(tree, kind):
    check(*batches(of_yaml(tree, f"anomalib.{kind}.yaml")), tree, [kind])


def test_mvtec3d_loads_the_tree(tree):
    check(*batches(of_category(tree)), tree, KINDS)


def test_an_empty_mask_and_a_tree_without_points_are_noticed(tree, tmp_path):
    spoilt = Path(shutil.copytree(tree, tmp_path / tree.name))
    path = spoilt / "test" / "dent" / "gt" / "000.png"
    path.write_bytes((spoilt / "test" / "good" / "gt" / "000.png").read_bytes())
    with pytest.raises(AssertionError):
        check(*batches(of_category(spoilt)), spoilt, KINDS)
    (spoilt / "train" / "good" / "xyz" / "000.tiff").unlink()
    with pytest.raises(Exception):  # noqa: B017 - anomalib's own
        check(*batches(of_category(spoilt)), spoilt, KINDS)


def test_the_2d_layout_is_loaded_as_mvtec_ad_and_by_its_yaml(tree, tmp_path):
    from anomalib.data import MVTecAD

    out = tmp_path / "part"
    assert main(["convert", str(tree), "--to", "mvtec2d", "--out", str(out)]) == 0
    for module in (MVTecAD(root=tmp_path, category="part"), of_yaml(out)):
        train, test = batches(module)
        assert sum(len(batch.image) for batch in train) == 3
        seen = []
        for batch in test:
            for i, path in enumerate(map(Path, batch.image_path)):
                twin = tree / "test" / path.parent.name / "gt" / path.name
                assert np.array_equal(batch.gt_mask[i].numpy().astype(bool), read_mask(twin) > 0)
                seen.append(path.parent.name)
        assert sorted(seen) == ["dent", "dent", "good", "stain", "stain"]


@pytest.mark.parametrize("module", [of_yaml, of_category])
def test_a_small_model_trains_and_is_tested(tree, tmp_path, module):
    """One epoch of PaDiM on a network without weights; what it finds is of no interest, that it runs is."""
    from anomalib.engine import Engine
    from anomalib.models import Padim

    data = module(tree)
    data.num_workers, data.train_batch_size, data.eval_batch_size = 0, 2, 2
    model = Padim(layers=["layer1"], pre_trained=False, n_features=8,
                  pre_processor=Padim.configure_pre_processor((64, 64)), visualizer=False)
    engine = Engine(default_root_dir=tmp_path, max_epochs=1, accelerator="cpu", devices=1,
                    enable_progress_bar=False)
    engine.fit(model, datamodule=data)
    (figures,) = engine.test(model, datamodule=data, verbose=False)
    assert {"image_AUROC", "pixel_AUROC"} <= set(figures)
    assert all(0 <= value <= 1 for value in figures.values())

"""anomalib.yaml: a Folder3D data config for a tree of MVTec 3D-AD, a Folder config for one of MVTec AD."""

import yaml

_HEAD = """\
# anomalib >= 2.0: run it in this folder, or set init_args.root to it.
"""
_MORE = """\
# Folder3D takes one folder of defects: this is {kind}; the others are {others}.
"""


def configs(name: str, kinds: list[str], good_tests: bool) -> dict[str, bytes]:
    """File name → YAML. anomalib.yaml loads the first kind; with several, anomalib.<kind>.yaml loads each.

    name: the dataset's. good_tests: whether test/good holds any capture.
    """
    files = {}
    for kind in sorted(kinds):
        test = {"normal_test_dir": "test/good/rgb", "normal_test_depth_dir": "test/good/xyz"}
        config = {"class_path": "anomalib.data.Folder3D", "init_args": {
            "name": name, "root": ".",
            "normal_dir": "train/good/rgb", "normal_depth_dir": "train/good/xyz",
            **(test if good_tests else {}),
            "abnormal_dir": f"test/{kind}/rgb", "abnormal_depth_dir": f"test/{kind}/xyz",
            "mask_dir": f"test/{kind}/gt",
            "val_split_mode": "same_as_test"}}  # as its MVTec3D has it: unless told, half of test/ is taken away
        files[f"anomalib.{kind}.yaml"] = yaml.safe_dump(config, sort_keys=False)
    first = files[f"anomalib.{min(kinds)}.yaml"]
    if len(kinds) == 1:
        return {"anomalib.yaml": (_HEAD + first).encode()}
    others = ", ".join(f"anomalib.{kind}.yaml" for kind in sorted(kinds)[1:])
    more = _MORE.format(kind=min(kinds), others=others)
    return {name: (_HEAD + text).encode() for name, text in files.items()} | {
        "anomalib.yaml": (_HEAD + more + first).encode()}


def of_pictures(name: str, kinds: list[str], good_tests: bool) -> bytes:
    """The YAML for pictures alone, all kinds at once, as Folder takes several folders."""
    return (_HEAD + yaml.safe_dump({"class_path": "anomalib.data.Folder", "init_args": {
        "name": name, "root": ".", "normal_dir": "train/good",
        **({"normal_test_dir": "test/good"} if good_tests else {}),
        "abnormal_dir": [f"test/{kind}" for kind in sorted(kinds)],
        "mask_dir": [f"ground_truth/{kind}" for kind in sorted(kinds)],
        "val_split_mode": "same_as_test"}}, sort_keys=False)).encode()

"""False features: right outside their region, never nowhere, and as each paper makes them."""

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch")

from efficientnet import backbone  # noqa: E402

import crossmodal as cm  # noqa: E402
from crossmodal import captures  # noqa: E402
from crossmodal.methods.feature import (  # noqa: E402
    FEATURE_METHODS,
    Ascend,
    Backbone,
    Cells,
    Centres,
    Codebook,
    CodebookNeighbour,
    Extrapolate,
    FeatureMethod,
    Full,
    Gauss,
    Noise,
    NormJitter,
    Online,
    Shuffle,
    encode,
    feature_samples,
    seen,
)
from crossmodal.methods.feature.contents import Known, matched  # noqa: E402
from crossmodal.streams import stream  # noqa: E402


class Small(torch.nn.Module):
    """Four channels, eight times smaller; then two, sixteen times."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(3, 4, 8, 8)
        self.second = torch.nn.Conv2d(4, 2, 2, 2)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


class Tokens(torch.nn.Module):
    def __init__(self, lead):
        super().__init__()
        self.lead, self.last = lead, torch.nn.Identity()

    def forward(self, x):
        tokens = torch.nn.functional.adaptive_avg_pool2d(x, 6).flatten(2).transpose(1, 2)
        return self.last(torch.cat((torch.zeros(1, self.lead, 3), tokens), 1))


def critic_of(count):
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(count, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    return lambda cells: net(cells)[:, 0], net


@pytest.fixture(scope="module")
def maps():
    """Real scenes, seen by a real EfficientNet-Lite0 in both modalities."""
    net = backbone()
    return [encode(captures.load(name), net, net) for name in ("pot", "boxes")]


@pytest.fixture(scope="module")
def online(maps):
    def made(method):
        critic, _ = critic_of(maps[0].by["rgb"].shape[0])
        codes = {name: Codebook.fitted([one.by[name] for one in maps], 32, stream(0, name)) for name in maps[0].by}
        loop = Online(method, critic, 3, codes)
        loop.begin(maps)
        return loop
    return made


@pytest.mark.parametrize("name", FEATURE_METHODS)
def test_what_is_outside_the_region_keeps_every_bit_and_what_is_inside_changes(name, maps, online):
    for one in maps:
        made = online(FEATURE_METHODS[name].model_copy(update={"good": 0.0})).sample(one)
        for modality, before in one.by.items():
            after, mask = made.by[modality], torch.from_numpy(made.masks[modality])
            assert torch.isfinite(after).all()
            assert torch.equal(after[:, ~mask], before[:, ~mask])
            moved = (after != before).any(0)[mask].double().mean() if mask.any() else 1.0
            assert moved > 0.99, (name, modality)
        assert made.gt.any()


@pytest.mark.parametrize("region", [Full(), Noise(), Noise(share=(1e-6, 1e-6)), Cells(), Cells(share=(1e-6, 1e-6))])
def test_a_region_is_never_empty_and_keeps_to_the_object(region):
    rng = np.random.default_rng(5)
    for _ in range(60):
        within = rng.random((7, 9)) > 0.7
        within[3, 3:5] = True
        drawn = region.drawn(within, rng)
        assert drawn.any()
        assert isinstance(region, Full) or not (drawn & ~within).any()


def test_a_share_is_the_share():
    within = np.ones((40, 40), bool)
    for share in (0.1, 0.4):
        drawn = Noise(share=(share, share)).drawn(within, np.random.default_rng(2))
        assert drawn.mean() == pytest.approx(share, abs=0.01)


def test_the_same_seed_and_epoch_is_the_same_sample_whatever_the_order(maps):
    method = FEATURE_METHODS["one-sided-shuffle"]
    once = {one.name: one for one in feature_samples(maps, method, 4, 1)}
    for one in feature_samples(reversed(maps), method, 4, 1):
        assert all(torch.equal(one.by[side], once[one.name].by[side]) for side in one.by)
    (other,) = feature_samples(maps[:1], method, 4, 2)
    assert not all(np.array_equal(other.masks[side], once[other.name].masks[side]) for side in other.by)


def test_one_region_for_both_or_for_one_side_only(maps):
    made = {sharing: FeatureMethod(name="m", region=Noise(), sharing=sharing).sample(maps[0], stream(1))
            for sharing in ("both", "rgb", "xyz")}
    both = made["both"].masks["rgb"]
    assert both.any()
    assert np.array_equal(both, made["both"].masks["xyz"])
    assert np.array_equal(made["rgb"].masks["rgb"], both)
    assert not made["rgb"].masks["xyz"].any()
    assert not made["xyz"].masks["rgb"].any()
    assert torch.equal(made["rgb"].by["xyz"], maps[0].by["xyz"])
    any_side = [FeatureMethod(name="m", region=Noise(), sharing="any").sample(maps[0], stream(k)) for k in range(30)]
    assert {tuple(bool(mask.any()) for mask in one.masks.values()) for one in any_side} == {
        (True, True), (True, False), (False, True)}


def test_half_of_supersimplenets_samples_are_good(maps):
    made = [FEATURE_METHODS["supersimplenet"].sample(maps[0], stream(k)) for k in range(60)]
    good = [one for one in made if not one.gt.any()]
    assert 15 < len(good) < 45
    assert all(torch.equal(one.by["rgb"], maps[0].by["rgb"]) for one in good)


CELLS = torch.from_numpy(np.random.default_rng(0).standard_normal((4000, 8), np.float32))


def test_gauss_is_as_wide_as_asked():
    noise = Gauss(sigma=0.25).made(CELLS, stream(0), Known()) - CELLS
    assert float(noise.std()) == pytest.approx(0.25, rel=0.02)
    mixed = (Gauss(sigma=0.25, steps=3).made(CELLS, stream(0), Known()) - CELLS).std(1)
    assert float(mixed.max()) > 1.3 * float(mixed.min())


def test_jitter_is_as_strong_as_the_norm_a_channel():
    noise = NormJitter(scale=20).made(CELLS, stream(0), Known()) - CELLS
    told = noise.pow(2).mean(1).sqrt() / (CELLS.norm(dim=1) / 8 * 20)
    assert float(told.pow(2).mean().sqrt()) == pytest.approx(1, rel=0.03)


def test_a_shuffle_keeps_all_and_leaves_none_in_its_place():
    for count in (2, 3, 50):
        cells = torch.arange(count * 3).reshape(count, 3).float()
        made = Shuffle().made(cells, stream(count), Known())
        assert torch.equal(made[made[:, 0].argsort()], cells)
        assert (made != cells).any(1).all()


def test_extrapolation_goes_on_from_the_centre_through_the_cell():
    centres = CELLS[:5] + 3
    made = Extrapolate(share=0.25).made(CELLS, stream(0), Known(centres))
    own = matched(CELLS, centres)
    before, after = CELLS - own, made - own
    assert torch.nn.functional.cosine_similarity(before, after).min() > 0.9999
    longer = after.norm(dim=1) - before.norm(dim=1)
    assert torch.allclose(longer, longer.mean().expand_as(longer), rtol=1e-3)
    assert float(longer.mean()) == pytest.approx(0.25 * float(before.norm(dim=1).mean()), rel=1e-3)


def test_a_neighbour_is_a_code_but_not_the_nearest():
    codes = Codebook.fitted([CELLS.T.reshape(8, 40, 100)], 40, stream(0))
    made = CodebookNeighbour(skip=0.05, strength=(0.2, 0.2)).made(CELLS, stream(1), Known(codes=codes))
    order = codes.order(CELLS)
    rank = (order == torch.cdist(made, codes.codes).argmin(1)[:, None]).double().argmax(1)
    assert torch.equal(codes.codes[torch.cdist(made, codes.codes).argmin(1)], made)
    assert set(rank.tolist()) == set(range(2, 8))


def test_codes_lie_where_features_lie():
    codes = Codebook.fitted([CELLS.T.reshape(8, 40, 100)], 40, stream(0)).codes
    far = torch.cdist(CELLS, codes).min(1).values.mean()
    assert far < 0.97 * torch.cdist(CELLS, CELLS[:40]).min(1).values.mean()


@pytest.mark.parametrize("about", ["cell", "centre"])
def test_an_ascent_deceives_the_critic_and_stays_in_its_shell(about):
    critic, net = critic_of(8)
    centres = Centres.first([CELLS[k:k + 100].T.reshape(8, 10, 10) for k in (0, 100, 200)])
    known = Known(centres.of, None, critic, centres.radius)
    quiet = Ascend(about=about, rate=1e-12).made(CELLS, stream(0), known)
    made = Ascend(about=about, rate=0.05).made(CELLS, stream(0), known)
    assert critic(made).mean() < critic(quiet).mean() - 0.01
    middle, unit = (CELLS, 1.0) if about == "cell" else (matched(CELLS, centres.of), centres.radius)
    low, high = Ascend().shell
    far = (made - middle).norm(dim=1) / unit
    assert far.min() > low - 1e-3
    assert far.max() < high + 1e-3
    assert all(weight.grad is None for weight in net.parameters())
    assert not made.requires_grad


def test_centres_follow_features_that_move(maps):
    loop = Online(FEATURE_METHODS["pbas"])
    loop.begin(maps)
    before = loop.centres["rgb"]
    cells = maps[0].by["rgb"].reshape(len(maps[0].by["rgb"]), -1).T

    def far(centres):
        return float((cells - matched(cells, centres.of)).norm(dim=1).mean())

    for _ in range(20):
        loop.follow(maps[0])
    assert far(loop.centres["rgb"]) < 0.9 * far(before)


@pytest.mark.parametrize("name", ["pbas", "glass", "glass-sphere", "dsr"])
def test_what_a_method_leans_on_is_asked_for(name, maps):
    with pytest.raises(ValueError, match=f"{name} needs .* for rgb"):
        FEATURE_METHODS[name].sample(maps[0], stream(0))


def test_a_head_learns_to_tell_false_features(maps):
    """SuperSimpleNet's loop, small: what is drawn can be learned, and draws it never saw are told."""
    method = FeatureMethod(name="m", region=Noise(share=(0.1, 0.3)), content=Gauss(sigma=6.0))
    count = sum(len(cells) for cells in maps[0].by.values())
    torch.manual_seed(0)
    head = torch.nn.Sequential(torch.nn.LayerNorm(count), torch.nn.Linear(count, 64), torch.nn.ReLU(),
                               torch.nn.Linear(64, 1))
    optimiser = torch.optim.Adam(head.parameters(), 1e-2)

    def told(sample):
        cells = torch.cat(list(sample.by.values())).reshape(count, -1).T
        return head(cells)[:, 0], torch.from_numpy(sample.gt.reshape(-1)).float()

    for epoch in range(40):
        for sample in feature_samples(maps, method, 0, epoch):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(*told(sample))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        right = [((said > 0) == (true > 0.5)).double().mean()
                 for said, true in map(told, feature_samples(maps, method, 0, 999))]
    assert min(right) > 0.97  # a head that says "good" of all reaches 0.86


def test_a_defect_on_the_surface_is_false_where_any_of_its_pixels_changed():
    capture = captures.load("pot")
    result = cm.synthesize(capture, cm.Contamination(diameter_mm=40, height_mm=12), seed=1)
    net = Backbone(Small(), ("first",), size=None, neighbourhood=1)
    made, before = seen(result, net, net), encode(capture, net, net)
    for modality in made.by:
        beside = ndimage.binary_dilation(made.masks[modality], np.ones((3, 3)))  # cells and pixels need not fit evenly
        moved = (made.by[modality] != before.by[modality]).any(0).numpy()
        assert not (moved & ~beside).any()
        assert moved[made.masks[modality]].mean() > 0.6


def test_layers_are_joined_on_the_first_ones_grid():
    capture = captures.load("boxes")
    maps = encode(capture, Backbone(Small(), ("first", "second"), size=(64, 96)))
    assert maps.by["rgb"].shape == (6, 8, 12)
    assert maps.grid == (8, 12)
    for lead in (0, 1):
        maps = encode(capture, Backbone(Tokens(lead), ("last",)), Backbone(Small(), ("second",), size=(64, 64)))
        assert maps.by["rgb"].shape == (3, 6, 6)
        assert maps.by["xyz"].shape == (2, 6, 6)


@pytest.mark.parametrize(("make", "said"), [
    (lambda: Backbone(Small(), ("third",)), "no layer third; it has first, second"),
    (lambda: Backbone(Small(), ()), "needs a layer"),
    (lambda: Codebook(torch.zeros(2, 3)), "at least 4"),
    (lambda: encode(captures.load("boxes"), None), "give a backbone"),
])
def test_what_does_not_fit_is_said_in_a_line(make, said):
    with pytest.raises(ValueError, match=said) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_method_is_data():
    method = FeatureMethod.model_validate({"name": "mine", "region": {"region": "noise", "share": [0.1, 0.2]},
                                           "content": {"content": "shuffle"}, "sharing": "xyz"})
    assert FeatureMethod.model_validate_json(method.model_dump_json()) == method
    for one in FEATURE_METHODS.values():
        assert FeatureMethod.model_validate_json(one.model_dump_json()) == one

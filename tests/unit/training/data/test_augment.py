"""What training changes in an image, and what it must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.prepare.tensor import standardise
from core.types import Domain, Preprocess
from training.config.recipe_parts import Augmentation
from training.data.augment import augmented, coarsened, cutmix, holed, kept_tokens, standardised, without_dark_objects
from training.evaluate.robustness import without_dark_object

STRONG = Augmentation(
    zoom=(0.7, 1.0), degrees=10, stretch=0.1, shift=0.05, gamma=0.3, exposure=0.2, contrast=0.2, blur=1.0, noise=0.05, cutout=0.4
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def halves(batch: int) -> torch.Tensor:
    """Dark on the left, bright on the right."""
    images = torch.zeros(batch, 1, 32, 32)
    images[..., 16:] = 1.0
    return images


def test_no_change_is_asked_for_and_none_is_made() -> None:
    images = torch.rand(4, 1, 16, 16)
    assert torch.allclose(augmented(images, (16, 16), Augmentation()), images, atol=1e-5)


def test_a_chest_is_never_mirrored() -> None:
    changed = augmented(halves(64), (32, 32), STRONG)
    assert (changed[..., 16:].mean(dim=(1, 2, 3)) > changed[..., :16].mean(dim=(1, 2, 3))).all()


def test_quarter_turns_and_mirror_images_reach_all_four_sides() -> None:
    changed = augmented(halves(64), (32, 32), Augmentation(turns=True))
    sides = torch.stack([changed[..., :16, :].mean((1, 2, 3)), changed[..., 16:, :].mean((1, 2, 3)), changed[..., 16:].mean((1, 2, 3))])
    assert (sides > 0.9).any(dim=1).all()


def test_values_stay_between_black_and_white_in_the_size_asked_for() -> None:
    changed = augmented(torch.rand(8, 1, 40, 40), (32, 24), STRONG)
    assert changed.shape == (8, 1, 32, 24)
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0


def test_a_hole_holds_the_mean_of_its_image() -> None:
    images = torch.rand(64, 1, 16, 16)
    changed = holed(images, 0.6)
    differs = (changed != images).flatten(1)
    assert 0 < differs.any(dim=1).sum() < 64
    for before, after, where in zip(images, changed, differs, strict=True):
        assert torch.allclose(after.flatten()[where], before.mean())


def test_a_mixed_target_has_the_share_of_the_area() -> None:
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 16, 16)
    mixed_images, targets = cutmix(images, torch.eye(4), probability=1.0)
    for index in range(4):
        shares = torch.stack([(mixed_images[index] == value).float().mean() for value in range(4)])
        assert torch.allclose(shares, targets[index], atol=1e-6)


def test_dropped_tokens_leave_a_subset_without_repeats() -> None:
    kept = kept_tokens(5, 16, (0.25,))
    assert kept is not None
    assert kept.shape == (5, 12)
    assert all(len(set(row.tolist())) == 12 for row in kept)
    assert kept_tokens(5, 16, (0.0,)) is None


@pytest.mark.parametrize("how", ["image", "fixed"])
def test_a_batch_is_standardised_as_a_single_image_is_in_use(how: str) -> None:
    preprocess = Preprocess(
        Domain.LAND_COVER, (8, 8), ("red", "green", "blue"), how, mean=(0.3, 0.4, 0.5), std=(0.1, 0.2, 0.3), reflectance_top=0.275
    )
    batch = torch.rand(3, 3, 8, 8)
    single = np.stack([standardise(image.numpy(), preprocess) for image in batch])
    assert np.abs(standardised(batch, preprocess).numpy() - single).max() < 1e-5


def test_a_batch_that_went_through_a_coarser_scale_keeps_its_size_and_loses_its_finest_detail() -> None:
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * torch.ones(4, 3, 32, 32)
    coarse = coarsened(board, (2.0,))
    assert coarse.shape == board.shape and coarse.min() >= 0.0 and coarse.max() <= 1.0
    assert torch.allclose(coarse, torch.full_like(coarse, 0.5), atol=0.05)
    assert coarsened(board, (1.0,)) is board


def test_an_offset_moves_each_channel_by_a_number_of_its_own() -> None:
    images = torch.full((8, 3, 4, 4), 0.5)
    moved = augmented(images, (4, 4), Augmentation(offset=0.05)) - images
    assert torch.allclose(moved, moved[..., :1, :1].expand_as(moved), atol=1e-6)
    assert len(moved[..., 0, 0].unique()) == 24


def test_dark_objects_are_taken_off_a_share_of_the_images_each_channel_by_its_own() -> None:
    images = torch.rand(64, 3, 16, 16) * 0.5 + torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    taken = (images - without_dark_objects(images, 0.5)).amax(dim=(2, 3))
    touched = taken.amax(dim=1) > 0.0
    assert 16 < int(touched.sum()) < 48
    assert torch.equal(without_dark_objects(images, 0.0), images)
    parts = taken[touched] / images.amin(dim=(2, 3))[touched]  # a percentile is no lower than the darkest pixel
    assert float(parts.min()) >= 0.25 and float(parts.max()) > 0.9
    assert (taken[touched].diff(dim=1) > 0.0).all()


def test_what_is_taken_off_in_training_reaches_what_is_taken_off_when_it_is_measured() -> None:
    images = torch.rand(256, 3, 16, 16) * 0.5 + 0.2
    off = (images - without_dark_objects(images, 1.0)).amax(dim=(2, 3))
    measured = (images - without_dark_object(images)).amax(dim=(2, 3))
    share = off / measured
    assert float(share.min()) < 0.5 and float(share.max()) > 0.9


@pytest.mark.parametrize("kind", ["collimated", "lettered", "wired", "inverted"])
def test_what_is_drawn_over_a_film_reaches_its_share_of_the_images_and_stays_in_range(kind: str) -> None:
    images = torch.rand(64, 1, 64, 64) * 0.3 + 0.1
    changed = augmented(images, (64, 64), Augmentation(**{kind: 0.5}))
    touched = ((changed - images).abs() > 1e-3).flatten(1).any(dim=1)
    assert 12 < int(touched.sum()) < 52
    assert changed.min() >= 0.0 and changed.max() <= 1.0

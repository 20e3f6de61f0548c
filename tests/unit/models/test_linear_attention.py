"""FAVOR+ against softmax attention, against its own error bound, and against the sums of the paper written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.bert_image.linear_attention import draw_projections, exponents, implied_matrix, linear_attention

SIZE = 32
"""Of a head."""


def drawn(spread: float, tokens: int = 256, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values [2, 4, tokens, SIZE]; entries of the first two have the deviation `spread`."""
    random = torch.Generator().manual_seed(seed)
    query, key, value = torch.randn(3, 2, 4, tokens, SIZE, generator=random)
    return spread * query, spread * key, value


def softmax_matrix(query: Tensor, key: Tensor) -> Tensor:
    return torch.softmax(query @ key.transpose(2, 3) * SIZE**-0.5, dim=-1)


def total_variation(query: Tensor, key: Tensor, features: int) -> Tensor:
    """[2, 4, tokens]: half the sum of absolute differences between rows of the implied matrix and of softmax."""
    implied = implied_matrix(query, key, None, draw_projections(1, features, SIZE)[0])
    return (implied - softmax_matrix(query, key)).abs().sum(dim=-1) / 2


def attended(query: Tensor, key: Tensor, value: Tensor, projection: Tensor, mask: Tensor | None = None) -> Tensor:
    return linear_attention(nn.Identity(), query, key, value, mask, projection)[0].transpose(1, 2)


# ---------------------------------------------------------------- by itself


def test_projections_are_the_same_at_every_call_and_differ_between_layers() -> None:
    first = draw_projections(2, 8, SIZE)
    assert first.shape == (2, 8, SIZE)
    assert torch.equal(first, draw_projections(2, 8, SIZE))
    assert not torch.allclose(first[0], first[1])


def test_directions_are_orthogonal_within_a_block_and_as_long_as_normal_vectors() -> None:
    projection = draw_projections(1, 4096 + 8, SIZE)[0]
    block = projection[SIZE : 2 * SIZE]
    products = block @ block.T
    torch.testing.assert_close(products, products.diagonal().diag(), atol=1e-4, rtol=0.0)
    assert projection.square().sum(dim=-1).mean() == pytest.approx(SIZE, rel=0.02)


def test_the_kernel_is_estimated_without_bias_and_within_the_error_of_lemma_2() -> None:
    random = torch.Generator().manual_seed(3)
    query, key = 0.25 * torch.randn(2, SIZE, generator=random)
    features = 64
    projections = draw_projections(2000, features, SIZE)  # as many independent draws
    estimates = torch.stack([(exponents(query, one) + exponents(key, one)).exp().mean() for one in projections])
    ratios = estimates / (query @ key).exp()
    bound = ((query + key).square().sum().exp() - 1) / features
    assert float(ratios.mean()) == pytest.approx(1.0, abs=4 * float((bound / len(ratios)).sqrt()))
    assert float((ratios - 1).square().mean()) < float(bound)


@pytest.mark.parametrize(("spread", "measured"), [(0.5, {64: 0.12, 256: 0.07, 1024: 0.04}), (1.0, {64: 0.50, 256: 0.43, 1024: 0.36})])
def test_rows_come_closer_to_softmax_with_more_features_within_the_bound(spread: float, measured: dict[int, float]) -> None:
    query, key, _ = drawn(spread)
    lengths = (query[..., :, None, :] + key[..., None, :, :]).square().sum(dim=-1) * SIZE**-0.5  # |q + k|^2, [2, 4, tokens, tokens]
    for features, expected in measured.items():
        found = total_variation(query, key, features)
        bound = (softmax_matrix(query, key) * ((lengths.exp() - 1) / features).sqrt()).sum(dim=-1)
        assert float(found.mean()) < float(bound.mean())
        assert float(found.mean()) == pytest.approx(expected, abs=0.03), "the docstring says so"


def test_rows_of_the_implied_matrix_are_shares_and_make_the_answer() -> None:
    query, key, value = drawn(1.0, tokens=40)
    projection = draw_projections(1, 50, SIZE)[0]
    matrix = implied_matrix(query, key, None, projection)
    assert float(matrix.min()) > 0.0
    torch.testing.assert_close(matrix.sum(dim=-1), torch.ones(2, 4, 40))
    torch.testing.assert_close(matrix @ value, attended(query, key, value, projection), atol=1e-5, rtol=1e-5)


def test_queries_and_keys_of_any_length_give_numbers() -> None:
    query, key, value = drawn(100.0, tokens=16)
    assert torch.isfinite(attended(query, key, value, draw_projections(1, 16, SIZE)[0])).all()


def test_a_masked_key_is_as_good_as_none() -> None:
    query, key, value = drawn(0.5, tokens=12)
    projection = draw_projections(1, 64, SIZE)[0]
    mask = torch.zeros(2, 1, 1, 12)
    mask[..., 8:] = -1e4
    expected = attended(query, key[:, :, :8], value[:, :, :8], projection)
    torch.testing.assert_close(attended(query, key, value, projection, mask), expected, atol=1e-5, rtol=1e-5)
    assert float(implied_matrix(query, key, mask, projection)[..., 8:].abs().max()) == 0.0


def test_features_are_computed_in_float32_under_autocast() -> None:
    query, key, value = drawn(0.5, tokens=32)
    projection = draw_projections(1, 64, SIZE)[0]
    expected = attended(query, key, value, projection)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(attended(query, key, value, projection), expected)


def test_without_random_features_there_is_no_linear_attention() -> None:
    query, key, value = drawn(0.5, tokens=4)
    with pytest.raises(ValueError, match="needs the random features"):
        linear_attention(nn.Identity(), query, key, value, None)


# ---------------------------------------------------------------- beside the sums of the paper, written out


def dense(query: Tensor, key: Tensor, projection: Tensor) -> Tensor:
    """The matrix [2, 4, tokens, tokens] of Choromanski et al. 2021, equations 4 and 5: every term of every sum, in float64.

    Nothing is factored out, shifted, or added: the kernel of a query and a key is the mean over all directions of the product of two
    numbers, and a row is divided by its sum.
    """
    count, size = projection.shape
    q, k = query.double() / size**0.25, key.double() / size**0.25
    matrix = torch.zeros(*q.shape[:2], q.shape[2], k.shape[2], dtype=torch.float64)
    for direction in projection.double():
        of_query = (q @ direction - q.square().sum(dim=-1) / 2).exp()  # [2, 4, tokens]
        of_key = (k @ direction - k.square().sum(dim=-1) / 2).exp()
        matrix += of_query[..., :, None] * of_key[..., None, :] / count
    return matrix / matrix.sum(dim=-1, keepdim=True)


@pytest.mark.parametrize("features", [16, 64, 100])
def test_the_implied_matrix_is_that_of_the_paper(monkeypatch: pytest.MonkeyPatch, features: int) -> None:
    monkeypatch.setattr("models.bert_image.linear_attention.FLOOR", 0.0)
    query, key, _ = drawn(0.5, tokens=48)
    projection = draw_projections(1, features, SIZE)[0]
    torch.testing.assert_close(implied_matrix(query, key, None, projection).double(), dense(query, key, projection), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("features", [16, 64, 100])
def test_attention_is_that_of_the_paper(monkeypatch: pytest.MonkeyPatch, features: int) -> None:
    monkeypatch.setattr("models.bert_image.linear_attention.FLOOR", 0.0)
    query, key, value = drawn(0.5, tokens=48)
    projection = draw_projections(1, features, SIZE)[0]
    expected = dense(query, key, projection) @ value.double()
    torch.testing.assert_close(attended(query, key, value, projection).double(), expected, atol=1e-5, rtol=1e-4)


def test_what_is_added_to_features_counts_little_for_short_queries_and_keys() -> None:
    query, key, value = drawn(0.25, tokens=48)
    projection = draw_projections(1, 64, SIZE)[0]
    expected = dense(query, key, projection) @ value.double()
    torch.testing.assert_close(attended(query, key, value, projection).double(), expected, atol=1e-4, rtol=0.0)

"""Square blocks of tokens: the windows that attention stays in, and the four tokens that are merged into one (Liu et al. 2021, Swin)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor


@dataclass(frozen=True)
class Blocks:
    """A grid of tokens cut into square blocks, each numbered row by row. A block that the grid does not fill has places without a token.

    grid: (rows, columns) of blocks. tokens: of the grid that was cut.
    members: int64 [blocks, places], the token at each place, `tokens` where there is none.
    place_of: int64 [tokens], where each token lies among all places of all blocks.
    """

    grid: tuple[int, int]
    tokens: int
    members: Tensor
    place_of: Tensor

    @property
    def is_full(self) -> bool:
        """Whether every place holds a token."""
        return self.members.numel() == self.tokens

    @property
    def block_of(self) -> Tensor:
        """int64 [tokens]: the block that each token lies in."""
        return self.place_of // self.members.shape[1]

    @property
    def sizes(self) -> Tensor:
        """int64 [blocks]: tokens in each."""
        return (self.members < self.tokens).sum(dim=1)

    def split(self, x: Tensor) -> Tensor:
        """[B, tokens, width] -> [B, blocks, places, width], 0 where there is no token."""
        return F.pad(x, (0, 0, 0, 1))[:, self.members]

    def joined(self, x: Tensor) -> Tensor:
        """[B, blocks * places, width] -> [B, tokens, width]."""
        return x[:, self.place_of]

    def whole(self, attention: Tensor, kept: LongTensor | None = None) -> Tensor:
        """Attention inside each block, [B * blocks, heads, places, places], as one matrix [B, heads, tokens, tokens], 0 between blocks.

        kept: int64 [B, kept], the tokens that are left; the matrix is then [B, heads, kept, kept].
        """
        inside = attention.reshape(-1, len(self.members), *attention.shape[1:]).transpose(1, 2)  # [B, heads, blocks, places, places]
        matrix = attention.new_zeros(*inside.shape[:2], self.tokens + 1, self.tokens + 1)
        matrix[:, :, self.members[:, :, None], self.members[:, None, :]] = inside
        matrix = matrix[..., : self.tokens, : self.tokens]
        if kept is None:
            return matrix
        matrix = matrix.take_along_dim(kept[:, None, :, None], dim=2)  # [B, heads, kept, tokens]
        return matrix.take_along_dim(kept[:, None, None, :], dim=3)


def blocks_of(grid: tuple[int, int], side: int, shift: int = 0, device: torch.device | None = None) -> Blocks:
    """The blocks of side x side tokens over a grid (rows, columns) of tokens.

    shift: rows and columns that the blocks begin above and left of the grid, 0 <= shift < side, so that other tokens meet.
    """
    rows, columns = grid
    tokens = rows * columns
    numbers = torch.arange(tokens, device=device).view(rows, columns)
    below, right = -(rows + shift) % side, -(columns + shift) % side
    padded = F.pad(numbers, (shift, right, shift, below), value=tokens)
    down, across = padded.shape[0] // side, padded.shape[1] // side
    members = padded.view(down, side, across, side).transpose(1, 2).reshape(down * across, side * side)
    places = torch.arange(members.numel(), device=device)
    place_of = torch.zeros(tokens + 1, dtype=torch.long, device=device).scatter(0, members.flatten(), places)[:tokens]
    return Blocks((down, across), tokens, members, place_of)

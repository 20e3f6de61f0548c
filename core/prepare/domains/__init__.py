"""What kinds of image models are made for: one file each, and nobody else asks which it is."""

from __future__ import annotations

from types import MappingProxyType

from core.prepare.domains.base import COLOURS, REPEATED, ImageDomain, Places, ReadingMode
from core.prepare.domains.change import Change
from core.prepare.domains.chest_ct import ChestCt
from core.prepare.domains.land_cover import LandCover
from core.prepare.domains.picture import AnyPicture
from core.prepare.domains.radiograph import Radiograph
from core.types import Domain

__all__ = ["COLOURS", "DOMAINS", "REPEATED", "ImageDomain", "Places", "ReadingMode", "image_domain"]

DOMAINS = MappingProxyType({one.kind: one for one in (Radiograph(), ChestCt(), LandCover(), Change(), AnyPicture())})
"""By kind, in the order in which models of them are offered."""


def image_domain(kind: Domain) -> ImageDomain:
    """What is known of a kind of image."""
    return DOMAINS[kind]

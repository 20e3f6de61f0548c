"""Burn severity: classes of dNBR, NBR before less NBR after.

The limits are those of Key and Benson 2006 ("Landscape Assessment", FIREMON, USDA RMRS-GTR-164-CD). What lies beyond their table, below
-0.5 and above 1.3, counts to its outermost classes. How severely a place burned is found on the ground: these are classes of an index.
"""

from __future__ import annotations

import numpy as np

from core.change.evidence import NODATA, Classes
from core.types import FloatImage

SEVERITIES = (
    "enhanced regrowth, high", "enhanced regrowth, low", "unburned", "low severity", "moderate-low severity", "moderate-high severity",
    "high severity",
)  # fmt: skip
"""From the largest rise of NBR to its largest fall."""
STARTS = (-0.25, -0.1, 0.1, 0.27, 0.44, 0.66)
"""dNBR from which each class but the first one begins."""
UNBURNED = "unburned"


def severity_classes(dnbr: FloatImage) -> Classes:
    """float32 [rows, columns] to uint8 indices into SEVERITIES, 255 where dNBR is NaN."""
    classes = np.searchsorted(np.asarray(STARTS, dtype=np.float32), dnbr, side="right")
    return np.where(np.isnan(dnbr), NODATA, classes).astype(np.uint8)


def severity_of(dnbr: float) -> str:
    """The class of one value."""
    return SEVERITIES[int(np.searchsorted(STARTS, dnbr, side="right"))]

"""Where files come from: folders and archives of this machine, addresses, samples. The only network code."""

from core.sources.address import download
from core.sources.folder import Source, Unusable, inside_roots, walk
from core.sources.pace import Pace
from core.sources.samples import Sample, bundled, catalogue, fetch, sample_at

__all__ = ["Pace", "Sample", "Source", "Unusable", "bundled", "catalogue", "download", "fetch", "inside_roots", "sample_at", "walk"]

"""Questions that one puts to a network and its maps beside the maps themselves: heads, masked tokens, controls, planted cues."""

__all__ = ["cheater", "controls", "heads", "masking"]

"""The Explain page: an image, a map a method among controls, agreement, attention of a token."""

__all__ = [
    "agreement",
    "beside",
    "cheater",
    "exports",
    "intake",
    "knobs",
    "maps",
    "masking",
    "measured",
    "page_state",
    "patch",
    "pictures",
    "strip",
    "subject",
    "turns",
    "work",
]

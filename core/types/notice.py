"""What is to be said, before it has words: a code, and the values that its sentence states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

NoticeValue: TypeAlias = Union[str, float, int, tuple[str, ...], "Notice"]


@dataclass(frozen=True)
class Notice:
    """Something that a person must be told: what was assumed, why an image is refused, what to keep in mind.

    code: "room.what", for example "dicom.modality-not-told".
    values: (name, value) of what the sentence states, sorted by name: words of the file, numbers, ids whose words the language knows
    ("CT", "radiograph"), several of these, or another notice.

    The sentence is made by core/report/notices.py from core/report/templates/notices.<language>.toml. Nothing else has its words, and
    nothing reads them: whoever decides by a notice asks for its code.
    """

    code: str
    values: tuple[tuple[str, NoticeValue], ...] = ()

    def __getitem__(self, name: str) -> NoticeValue:
        """The value of that name. Raises KeyError where there is none."""
        return dict(self.values)[name]


def notice(code: str, /, **values: NoticeValue) -> Notice:
    """The notice of that code. tests/test_words.py holds codes and names of values to the templates."""
    return Notice(code, tuple(sorted(values.items())))

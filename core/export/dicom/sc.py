"""Secondary Capture (PS3.3 A.8.1): pictures that every viewer shows, one a slice, in the plane of the source where that is told.

highdicom's SCImage sets no geometry; here each picture gets that of the slice whose pixels it repeats one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
from highdicom.sc import SCImage
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import DataElement, Dataset
from pydicom.sr.codedict import codes

from core.explain.overlay import drawn_map, enlarged, overlay_png
from core.export.dicom.content import ExportContent, Region
from core.export.dicom.objects import Naming, intended_use
from core.export.dicom.seg import segment_label
from core.export.dicom.source import patient_letters, placed_like, referenced
from core.prepare.windowing import render
from core.report.text import headline, signature
from core.types import Explanation

_Pixels = NDArray[np.uint8]
Letters = ImageFont.ImageFont | ImageFont.FreeTypeFont
LINE, WORDS = (255, 214, 64), (235, 235, 235)
"""Of outlines and what names them, a yellow; of the lines below the picture."""
MARGIN, LEADING = 5, 4
"""_Pixels about the lines, and between them."""
LEAST_LETTERS, ROWS_A_LETTER = 9, 40
"""Height of letters in pixels: a fortieth of the picture, and never less than can be read."""


def secondary_capture(content: ExportContent) -> tuple[Dataset, ...]:
    """One object a pictured frame, RGB, 8 bits, a pixel for each of the source's, words in a strip below."""
    naming = Naming("sc", content)
    return tuple(_capture(content, naming, frame, number) for number, frame in enumerate(content.frames, start=1))


def _capture(content: ExportContent, naming: Naming, frame: int, number: int) -> Dataset:
    source, arguments = content.source.image(frame), naming.arguments(number)
    made = SCImage(
        pixel_array=picture_of(content, frame),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=source.StudyInstanceUID,
        patient_orientation=("L", "P"),  # highdicom takes single letters alone: the true ones follow
        **arguments,
    )
    placed_like(made, source)
    if "PixelSpacing" not in made and "ImagerPixelSpacing" in source:
        made.NominalScannedPixelSpacing = source.ImagerPixelSpacing
    letters = patient_letters(content.study)
    made["PatientOrientation"] = DataElement("PatientOrientation", "CS", list(letters) if all(letters) else None)
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.DerivationDescription = "Window applied; outlines and words of a model's answer drawn in; for research"
    made.SourceImageSequence = _source_items(content, frame)
    made.BurnedInAnnotation = "NO"  # no word in it identifies anybody (PS3.3 C.7.6.1.1)
    made.ImageComments = intended_use(content)
    return made


def _source_items(content: ExportContent, frame: int) -> list[Dataset]:
    source, number = content.source.image(frame), content.source.number_in(frame)
    items = referenced([source], {} if number is None else {str(source.SOPInstanceUID): [number]})
    purpose = Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = code.value, code.scheme_designator, code.meaning
    for item in items:
        item.PurposeOfReferenceCodeSequence = [purpose]
    return items


def picture_of(content: ExportContent, frame: int) -> _Pixels:
    """uint8 [rows and a strip of words, columns, 3]: the slice through the window, the map over it where it lies there, outlines."""
    grey = render(content.study, frame, content.window)
    pixels = np.repeat(grey[..., np.newaxis], 3, axis=2) if grey.ndim == 2 else grey
    if content.explanation is not None and content.map is not None and frame == content.map_frame and not content.prediction.candidates:
        pixels = _under_map(pixels, content.explanation)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    pen = ImageDraw.Draw(picture)
    letters = ImageFont.load_default(max(LEAST_LETTERS, picture.height // ROWS_A_LETTER))
    for region in content.regions:
        if frame in region.masks:
            _draw(pen, region, frame, letters, picture.size)
    return np.asarray(_with_words_below(picture, _lines(content), letters))


def _under_map(pixels: _Pixels, explanation: Explanation) -> _Pixels:
    """A picture of the whole image with the map over it."""
    shown = np.moveaxis(pixels.astype(np.float32) / np.float32(255.0), 2, 0)  # [3, rows, columns]
    with Image.open(BytesIO(overlay_png(shown, enlarged(drawn_map(explanation), *pixels.shape[:2])))) as drawn:
        return np.asarray(drawn.convert("RGB"))


def _draw(pen: ImageDraw.ImageDraw, region: Region, frame: int, letters: Letters, size: tuple[int, int]) -> None:
    """The outline, and beside it the region's number and score: at its right, or at its left where there is no room."""
    points = region.outline(frame) - 0.5  # PIL counts from the middle of the first pixel
    pen.line([(float(column), float(row)) for column, row in points], fill=LINE, width=1)
    if region.label == "attribution":
        return
    words = f"{region.number}" if region.score is None else f"{region.number}: {region.score:.2f}"
    _, _, right, bottom = pen.textbbox((0, 0), words, font=letters, stroke_width=1)
    beside = float(points[:, 0].max()) + MARGIN
    if beside + right > size[0]:
        beside = float(points[:, 0].min()) - MARGIN - right
    down = min(max(float(points[:, 1].mean()) - bottom / 2, 0.0), size[1] - bottom)
    pen.text((max(beside, 0.0), down), words, fill=LINE, font=letters, stroke_width=1, stroke_fill=(0, 0, 0))


def _lines(content: ExportContent) -> Sequence[str]:
    model = f"{content.prediction.model}, weights {content.prediction.weights[:12]}. {signature(content.report)}"
    outlined = [f"{segment_label(region)}." for region in content.regions if region.label == "attribution"]
    places = [str(region.number) for region in content.regions if region.label != "attribution" and not region.is_measured]
    marked = [f"Place only, extent not measured: {', '.join(places)}."] if places else []
    return [headline(content.report), *outlined, *marked, model, intended_use(content)]


def _with_words_below(picture: Image.Image, lines: Sequence[str], letters: Letters) -> Image.Image:
    """The picture, every pixel where it was, and under it a dark strip with the lines, wrapped to its width."""
    measure = ImageDraw.Draw(picture)
    wrapped = [
        row for line in lines for row in _wrapped(line, picture.width - 2 * MARGIN, lambda text: measure.textlength(text, font=letters))
    ]
    _, _, _, height = measure.textbbox((0, 0), "Ag", font=letters)
    step = int(height) + LEADING
    whole = Image.new("RGB", (picture.width, picture.height + step * len(wrapped) + 2 * MARGIN))
    whole.paste(picture, (0, 0))
    pen = ImageDraw.Draw(whole)
    for number, row in enumerate(wrapped):
        pen.text((MARGIN, picture.height + MARGIN + step * number), row, fill=WORDS, font=letters)
    return whole


def _wrapped(line: str, width: float, length: Callable[[str], float]) -> list[str]:
    rows = [""]
    for word in line.split():
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and length(longer) > width:
            rows.append(word)
        else:
            rows[-1] = longer
    return rows

"""Radiographs of the chest: by modality, body part, view and age; read whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.prepare.body import body_of_radiograph
from core.prepare.domains.base import ImageDomain, Places
from core.prepare.kinds import modality_of
from core.prepare.lung_fields import lung_fields
from core.prepare.suitability import Suitability, body_refusal, is_coloured, modality_refusal, no_patient_refusal
from core.prepare.tensor import standardise
from core.readers.scenes.raster import open_raster
from core.types import Domain, Image, Mask, MeasuredRange, ModelInput, Notice, Picture, Preprocess, Scene, Study, notice

FRONTAL = frozenset({"AP", "PA", "FRONTAL", "ANTEROPOSTERIOR", "POSTEROANTERIOR", "APSUPINE", "APERECT", "PAERECT", "POSTERIORANTERIOR"})
NOT_FRONTAL = frozenset({"LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO"})


class Radiograph(ImageDomain):
    """Frontal radiographs, from DICOM files or pictures."""

    kind = Domain.RADIOGRAPH
    darkest = "air"
    is_medical = True
    places = Places.RADIOGRAPH

    def study_suits(self, study: Study, preprocess: Preprocess) -> Suitability:
        """By modality, body part and view; what the header leaves open is assumed, and told."""
        by_kind = modality_refusal(study, preprocess) or body_refusal(study, preprocess) or _view_refusal(study, preprocess)
        refusal = by_kind or no_patient_refusal(study)
        unnamed, why = _unnamed(study.age_years, study.view, preprocess)
        return Suitability(refusal, () if refusal else (*_assumed_of(study, preprocess), *why), unnamed)

    def picture_suits(self, picture: Picture, preprocess: Preprocess) -> Suitability:
        """A grey one is taken as what the model was made for, and that is said."""
        if is_coloured(picture.pixels):
            return Suitability(notice("picture.in-colour", domain=preprocess.domain.value))
        part = next(iter(preprocess.body_parts), None)
        taken = notice("picture.taken-as-frontal") if part is None else notice("picture.taken-as-radiograph", part=part.lower())
        unnamed, why = _unnamed(None, "", preprocess)
        return Suitability(None, (taken, *_age_assumed(None, preprocess), *why), unnamed)

    def scene_input(self, scene: Scene, preprocess: Preprocess) -> ModelInput:
        """Refused."""
        return grey_scene(scene, preprocess)

    def parts(self, image: Image, given: ModelInput, preprocess: Preprocess) -> Mapping[str, Mask | None]:
        """The boxes about the lungs where they are found, what else is of the body, and what is not."""
        if given.is_empty:
            return {}
        shown = np.asarray(given.shown.mean(axis=0), dtype=np.float32)
        body, lungs = body_of_radiograph(shown), lung_fields(shown)
        if lungs is None:
            return {"lungs": None, "body": body, "outside": ~body}
        return {"lungs": lungs, "body": body & ~lungs, "outside": ~(body | lungs)}

    def is_likely(self, image: Image) -> bool:
        """Whatever has no colours and is no CT: no radiograph has colours."""
        if isinstance(image, Study):
            return modality_of(image) != "CT"
        return isinstance(image, Picture) and not image.is_colour


def grey_scene(scene: Scene, preprocess: Preprocess) -> ModelInput:
    """A scene as a model of grey images would see it, refused: its first band, thinned out to the input, from smallest to largest value."""
    band = scene.bands[0]
    with open_raster(band.file) as raster:
        values = raster.read(band.index, out_shape=preprocess.size, masked=True).astype(np.float32)
    known = values.compressed()
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    grey = ((values.filled(low) - low) / max(high - low, 1e-6)).astype(np.float32)
    shown = np.stack([grey] * len(preprocess.channels))  # [channels, rows, columns]
    return ModelInput(
        values=standardise(shown, preprocess),
        shown=shown,
        box=(0.0, 0.0, float(scene.width), float(scene.height)),
        refusal=notice("input.geotiff", domain=preprocess.domain.value),
        assumptions=scene.assumptions,
    )


def _view_refusal(study: Study, preprocess: Preprocess) -> Notice | None:
    if not preprocess.views:
        return None
    view = _plain_view(study.view)
    if view in NOT_FRONTAL or view.startswith("LAT") or view.endswith("LATERAL") or "OBL" in view:
        return notice("input.not-frontal", view=view if view in NOT_FRONTAL else study.view.lower(), views=preprocess.views)
    if view not in FRONTAL and _row_direction(study) in ("A", "P"):
        return notice("input.lateral-orientation", views=preprocess.views)
    return None


def _assumed_of(study: Study, preprocess: Preprocess) -> tuple[Notice, ...]:
    assumed = []
    if not modality_of(study):
        assumed.append(notice("radiograph.modality-assumed"))
    if preprocess.body_parts and not study.body_part.strip():
        assumed.append(notice("radiograph.body-part-assumed", part=preprocess.body_parts[0]))
    if preprocess.views and _plain_view(study.view) not in FRONTAL:
        assumed.append(notice("radiograph.view-assumed"))
    if preprocess.views and _row_direction(study) in ("R", "H", "F"):
        is_mirrored = _row_direction(study) == "R"
        assumed.append(notice("radiograph.mirrored") if is_mirrored else notice("radiograph.turned"))
    return (*assumed, *_age_assumed(study.age_years, preprocess))


def _unnamed(age: float | None, view: str, preprocess: Preprocess) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """The labels that were not measured on patients of that age in that view, and why; one that is not told is none of them."""
    outside = [one for one in preprocess.measured_for if not _is_measured(age, view, one)]
    groups: dict[tuple[tuple[float, float], tuple[str, ...]], list[str]] = {}
    for one in outside:
        groups.setdefault((one.age_years, one.views), []).append(one.label)
    why = tuple(
        notice("radiograph.kind-not-named", labels=tuple(labels), youngest=ages[0], oldest=ages[1], views=views)
        for (ages, views), labels in groups.items()
    )
    return tuple(one.label for one in outside), why


def _is_measured(age: float | None, view: str, measured: MeasuredRange) -> bool:
    youngest, oldest = measured.age_years
    return age is not None and youngest <= age < oldest + 1 and _projection(view) in measured.views


def _projection(view: str) -> str:
    """AP or PA; "" for other views and for those that do not say which."""
    plain = _plain_view(view)
    if plain.startswith("AP") or plain == "ANTEROPOSTERIOR":
        return "AP" if plain in FRONTAL else ""
    return "PA" if plain in FRONTAL and plain.startswith("P") else ""


def _age_assumed(age: float | None, preprocess: Preprocess) -> tuple[Notice, ...]:
    if preprocess.age_years is None:
        return ()
    youngest, oldest = preprocess.age_years
    if age is None:
        return (notice("input.age-not-known", youngest=youngest, oldest=oldest),)
    if youngest <= age < oldest + 1:
        return ()
    return (notice("input.age-outside", age=_age(age), youngest=youngest, oldest=oldest),)


def _age(years: float) -> Notice:
    """An age as it is told: in months below two years."""
    return notice("age.years", years=int(years)) if years >= 2 else notice("age.months", count=round(years * 12))


def _plain_view(view: str) -> str:
    return "".join(letter for letter in view.upper() if letter.isalpha())


def _row_direction(study: Study) -> str:
    """First letter of where the rows of the image run to (PatientOrientation, PS3.3 C.7.6.1.1.1): L for a frontal image as usual."""
    value = study.header.get("PatientOrientation")
    return str(value[0])[:1].upper() if value and len(value) == 2 else ""

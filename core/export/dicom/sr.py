"""Comprehensive 3D SR (PS3.3 A.35.13) by TID 1500: what was found, with codes, probabilities, model and hash of its weights.

It is unverified until a person signs the report.
"""

from __future__ import annotations

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes

from core.export.dicom.codes import finding, own, procedure, site
from core.export.dicom.content import ExportContent, Region
from core.export.dicom.objects import MANUFACTURER, Naming, refused_by_highdicom
from core.export.dicom.seg import segment_label, tracking_uid
from core.export.dicom.source import hashed_uid

NO_UNITS = codes.UCUM.NoUnits
SCORE = own("SCORE", "Score of a model, no probability")
PROBABILITY = own("PROBABILITY", "Calibrated probability of a model")
ANSWER, SET = own("ANSWER", "Answer of the model"), own("SET", "In the 90 % prediction set")
SUITABILITY, INSIDE = own("SUITABILITY", "Whether the model was made for the image"), own("INSIDE", "The model was made for such images")
OUTSIDE, ABSTAINS = own("OUTSIDE", "Outside what the model knows"), own("ABSTAINS", "The model abstains")
USE, RESEARCH = own("USE", "Intended use"), own("RESEARCH", "Research and development use only, not for clinical decisions")
UNKNOWN_ORGANISATION = "Not stated"


def structured_report(content: ExportContent) -> tuple[Dataset, ...]:
    """One object; verified, with the signer as its verifying observer, where the report is signed."""
    naming, report = Naming("sr", content), content.report
    with refused_by_highdicom("A structured report"):
        body = MeasurementReport(
            observation_context=_context(content),
            procedure_reported=procedure(content.study.modality),
            imaging_measurements=[_answer(content), *(_region(content, region) for region in content.regions)],
            title=codes.DCM.ImagingMeasurementReport,
        )
    signer = _person_name(report.signed_by) if report.signed_by else None
    with refused_by_highdicom("A structured report"):
        made = Comprehensive3DSR(
            evidence=_evidence(content),
            content=body[0],
            is_complete=True,
            is_final=signer is not None,
            is_verified=signer is not None,
            verifying_observer_name=signer,
            verifying_organization=(content.source.institution or UNKNOWN_ORGANISATION)[:64] if signer else None,
            **naming.arguments(),
        )
    return (made,)


def _evidence(content: ExportContent) -> list[Dataset]:
    return list({str(image.SOPInstanceUID): image for image in content.source.images}.values())


def _person_name(text: str) -> str:
    """A PN value (PS3.5 6.2.1): the last word is taken for the family name; marks of the VR are dropped."""
    words = "".join(letter if letter not in "\\^=" else " " for letter in text).split()
    return "^".join(part for part in (words[-1][:40], " ".join(words[:-1])[:23]) if part)


def _context(content: ExportContent) -> ObservationContext:
    prediction = content.prediction
    device = DeviceObserverIdentifyingAttributes(
        uid=hashed_uid("device", prediction.model, prediction.weights), name=prediction.model[:64], manufacturer_name=MANUFACTURER,
        model_name=prediction.model[:64], serial_number=prediction.weights[:64] or "0",
    )  # fmt: skip
    person = None
    if content.report.signed_by:
        name = PersonObserverIdentifyingAttributes(name=_person_name(content.report.signed_by))
        person = ObserverContext(observer_type=codes.DCM.Person, observer_identifying_attributes=name)
    return ObservationContext(
        observer_person_context=person,
        observer_device_context=ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device),
    )


def _algorithm(content: ExportContent) -> AlgorithmIdentification:
    prediction = content.prediction
    return AlgorithmIdentification(
        name=prediction.model,
        version=f"weights {prediction.weights}",
        parameters=[f"runtime {prediction.runtime}", f"precision {prediction.precision}", f"input sha256 {content.study.sha256}"],
    )


def _answer(content: ExportContent) -> MeasurementsAndQualitativeEvaluations:
    """Of the image as a whole: whether it may be answered, the answer, the set, and a number for each label."""
    prediction, named = content.prediction, content.prediction.named
    told = [QualitativeEvaluation(USE, RESEARCH), QualitativeEvaluation(SUITABILITY, OUTSIDE if prediction.outside.is_outside else INSIDE)]
    if prediction.searched_for is None and not prediction.outside.is_outside:
        told.append(QualitativeEvaluation(ANSWER, finding(named.prediction) if named.prediction else ABSTAINS))
        told += [QualitativeEvaluation(SET, finding(label)) for label in named.conformal_set]
    source = content.source.image(content.frames[0])
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracking_uid(content, 0), identifier="Answer"),
        algorithm_id=_algorithm(content),
        finding_sites=_sites(content, None),
        measurements=_numbers(content) or None,
        qualitative_evaluations=told,
        source_images=[SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)],
    )


def _numbers(content: ExportContent) -> list[Measurement]:
    prediction = content.prediction
    if prediction.probabilities is None or prediction.searched_for is not None:
        return []
    is_calibrated = bool(prediction.conformal_set) or any(fact.unit == "probability" for fact in content.report.facts)
    kind = PROBABILITY if is_calibrated else SCORE
    told = prediction.named
    assert told.probabilities is not None
    return [
        Measurement(name=_about(kind, finding(label)), value=round(float(value), 4), unit=NO_UNITS, algorithm_id=_algorithm(content))
        for label, value in zip(told.labels, told.probabilities, strict=True)
    ]


def _about(kind: CodedConcept, what: CodedConcept) -> CodedConcept:
    """The number's name says of what it is: "Calibrated probability: Pneumonia"."""
    short = "Calibrated probability" if kind.value == PROBABILITY.value else "Score"
    return own(f"{kind.value[:5]}-{what.value}", f"{short}: {what.meaning}")


def _region(content: ExportContent, region: Region) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    source = content.source.image(region.best)
    number = content.source.number_in(region.best)
    outline = ImageRegion(
        graphic_type="POLYLINE",
        graphic_data=np.asarray(region.outline(region.best)),
        source_image=SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID, None if number is None else [number]),
    )
    measured = [
        ("SCORE", "Score of a model, no probability", region.score),
        *((f"RATE-{name}", f"Rating: {name}", value) for name, value in region.ratings),
    ]
    measurements = [
        Measurement(name=own(code, text), value=round(value, 4), unit=NO_UNITS) for code, text, value in measured if value is not None
    ]
    if region.size_mm is not None:
        measurements.append(Measurement(name=codes.SCT.LongAxis, value=round(region.size_mm, 1), unit=codes.UCUM.Millimeter))
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracking_uid(content, region.number), identifier=segment_label(region)),
        referenced_region=outline,
        finding_type=finding(region.label),
        algorithm_id=_algorithm(content),
        finding_sites=_sites(content, region.side),
        measurements=measurements or None,
    )


def _sites(content: ExportContent, side: str | None) -> list[FindingSite] | None:
    if "CHEST" not in content.study.body_part.upper():
        return None
    return [FindingSite(anatomic_location=site("chest"), laterality=site(side) if side in ("left", "right") else None)]

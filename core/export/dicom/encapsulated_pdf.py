"""Encapsulated PDF (PS3.3 A.45.1): the report as it is read and printed, in the patient's own study."""

from __future__ import annotations

from datetime import UTC, datetime

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from core.export.dicom.codes import own
from core.export.dicom.content import ExportContent
from core.export.dicom.objects import Naming
from core.export.dicom.source import referenced


def encapsulated_pdf(content: ExportContent) -> tuple[Dataset, ...]:
    """One object. A report that was signed is verified (Verification Flag, PS3.3 C.24.2)."""
    arguments, now = Naming("pdf", content).arguments(), datetime.now(UTC)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    made.file_meta.MediaStorageSOPInstanceUID = arguments["sop_instance_uid"]
    made.SOPClassUID, made.SOPInstanceUID = EncapsulatedPDFStorage, arguments["sop_instance_uid"]
    made.SeriesInstanceUID, made.SeriesNumber = arguments["series_instance_uid"], arguments["series_number"]
    made.InstanceNumber, made.Modality, made.ConversionType = arguments["instance_number"], "DOC", "WSD"
    made.Manufacturer = arguments["manufacturer"]
    made.ContentDate, made.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.AcquisitionDateTime = None
    made.BurnedInAnnotation = "NO"
    made.RecognizableVisualFeatures = "NO"
    made.DocumentTitle = content.report.title[:1024]
    code = own("REPORT", "Report of a model's answer, for research")
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code.value, code.scheme_designator, code.meaning
    made.ConceptNameCodeSequence = [name]
    made.VerificationFlag = "VERIFIED" if content.report.signed_by else "UNVERIFIED"
    made.SourceInstanceSequence = referenced(content.source.images)
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(content.pdf)
    made.EncapsulatedDocument = content.pdf + b"\0" * (len(content.pdf) % 2)
    return (made,)

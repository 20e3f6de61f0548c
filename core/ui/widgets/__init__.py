"""Parts that several pages show: bars, charts, lists of files, findings, faithfulness, the report."""

__all__ = [
    "bars",
    "charts",
    "choices",
    "close",
    "copy",
    "curves",
    "drafts",
    "faithfulness",
    "file_button",
    "findings",
    "intake",
    "refusals",
    "report_panel",
    "thumbnails",
    "words",
]

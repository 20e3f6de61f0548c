"""Parts that several pages show: bars, charts, lists of files, findings, faithfulness, the report."""

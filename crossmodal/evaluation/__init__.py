"""Do the modalities agree? Measured on the written files alone."""

from crossmodal.evaluation.agreement import check
from crossmodal.evaluation.report import Finding, Report, Row

__all__ = ["Finding", "Report", "Row", "check"]

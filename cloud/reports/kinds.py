"""The kinds of reports that there are: each of these modules registers its own."""

from cloud.reports import appendix_1, appendix_2
from cloud.returns import monthly

__all__ = ["appendix_1", "appendix_2", "monthly"]

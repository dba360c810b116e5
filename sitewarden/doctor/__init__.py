"""What `sitewarden doctor` has in common for every program: results, the machine's checks, the broker's."""

from sitewarden.doctor.model import Check, Result, Status

__all__ = ["Check", "Result", "Status"]

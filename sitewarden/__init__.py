"""The shared language of SiteWarden: what gateway, cloud and simulator must agree on, and nothing else."""

__version__ = "0.1.0"

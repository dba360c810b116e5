"""Tools that make parts of SiteWarden and are no part of what is installed."""

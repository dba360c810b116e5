"""The home of a site: all that its page shows at first, in one answer."""

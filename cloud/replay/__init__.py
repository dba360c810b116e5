"""A replay on the pages: how it stands, and its controls; only in a cloud that shows one."""

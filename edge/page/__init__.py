"""The gateway's own page: what it reads, what stands, and a button, for people on site without internet."""

"""Who may look and act: accounts, sessions, the set-up link."""

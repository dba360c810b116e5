"""What the pages say is compared with what the code does."""

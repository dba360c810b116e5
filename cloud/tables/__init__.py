"""What the pages' tables show, for a spreadsheet."""

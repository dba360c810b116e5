"""What is handed on to other platforms, and their receipts (对外报送)."""

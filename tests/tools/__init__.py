"""The trainer of the helmet detector, as far as it needs no PyTorch."""

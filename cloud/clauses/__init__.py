"""The standards for judging major hazards (判定标准), for whoever judges by them."""

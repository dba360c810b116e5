"""How the helmet detector is made: photos and labels in; a network, its model card and its figures out.

`boxes`, `measures`, `collection` and `corrections` need numpy only and are tested without PyTorch.
"""

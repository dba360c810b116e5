"""Reports of danger by the public and by insiders, whose identity is protected (群众举报、内部吹哨)."""

"""What people say of sites: trees, gateways, device files, pits, dangerous works, operators."""

"""A gateway's devices, to start from."""

from tests.edge.conftest import crane, gateway, gateway_dict, write_gateway

__all__ = ["crane", "gateway", "gateway_dict", "write_gateway"]

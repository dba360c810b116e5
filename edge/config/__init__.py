"""What a gateway is told to do: `gateway.yaml`, checked until nothing in it can surprise."""

from edge.config.addresses import address_of, listening_address, transport_of, way_of
from edge.config.model import Broker, Bus, Device, Ear, Gateway, Page, PolledDevice, SpeakingDevice
from edge.config.reading import data_dir_of, load_gateway, load_own

__all__ = [
    "Broker",
    "Bus",
    "Device",
    "Ear",
    "Gateway",
    "Page",
    "PolledDevice",
    "SpeakingDevice",
    "address_of",
    "data_dir_of",
    "listening_address",
    "load_gateway",
    "load_own",
    "transport_of",
    "way_of",
]

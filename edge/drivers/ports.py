"""What a link reads from and writes to without ever waiting: a TCP connection or a serial line."""

import asyncio
import os
import socket
import termios
from collections.abc import Awaitable, Callable
from typing import Protocol

import serial

from edge.settings import ModbusRtu

CONNECT_TIMEOUT_S = 3.0

_PARITIES = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class Port(Protocol):
    """The part of a non-blocking socket that a link uses; every method may raise `OSError`."""

    def fileno(self) -> int:
        """For the loop to watch."""

    def recv(self, size: int, /) -> bytes:
        """What has come; nothing where the other end is gone. Raises `BlockingIOError` where nothing came."""

    def send(self, data: bytes, /) -> int:
        """How many bytes were taken."""

    def close(self) -> None:
        """For good."""


Opener = Callable[[], Awaitable[Port]]
"""Opens a port; raises `OSError`."""


async def connect(host: str, port: int) -> Port:
    """A TCP connection that sends each request at once; raises `OSError`, a `TimeoutError` among them."""
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                return await _connected(socket.socket(family, kind, protocol), address)
            except OSError as exc:
                failure = exc
    raise failure


async def _connected(connection: socket.socket, address: tuple[object, ...]) -> socket.socket:
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


class SerialPort:
    """A serial line that this process alone uses."""

    def __init__(self, settings: ModbusRtu) -> None:
        """Opens it; raises `OSError`, also where another process has it."""
        try:
            self._line = serial.Serial(
                settings.serial,
                settings.baudrate,
                parity=_PARITIES[settings.parity],
                stopbits=settings.stop_bits,
                timeout=0,
                # So that reading nothing is an error and an empty answer is the end, as with a socket.
                inter_byte_timeout=0,
                exclusive=True,
            )
        except (ValueError, termios.error) as exc:
            # An adapter that is pulled while it is opened is no OSError to every library.
            raise OSError(str(exc)) from exc
        self._fd = self._line.fileno()

    def fileno(self) -> int:
        """For the loop to watch."""
        return self._fd

    def recv(self, size: int, /) -> bytes:
        """What has come; nothing where the adapter was pulled out."""
        return os.read(self._fd, size)

    def send(self, data: bytes, /) -> int:
        """How many bytes were taken."""
        return os.write(self._fd, data)

    def close(self) -> None:
        """Let other processes have it."""
        self._line.close()


async def open_serial(settings: ModbusRtu) -> Port:
    """The serial line; raises `OSError`."""
    return SerialPort(settings)

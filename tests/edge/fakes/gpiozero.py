"""As much of gpiozero as the agent uses, remembering what the pins were told; for machines without pins."""


class GPIOZeroError(Exception):
    """Root of gpiozero's errors."""


class DigitalOutputDevice:
    """A pin."""

    made: list["DigitalOutputDevice"] = []  # noqa: RUF012  # shared on purpose: the test finds its pins here

    def __init__(self, pin: int) -> None:
        if pin == 0:
            raise GPIOZeroError("pin 0 is in use")
        self.pin, self.told = pin, list[str]()
        self.made.append(self)

    def on(self) -> None:
        self.told.append("on")

    def off(self) -> None:
        self.told.append("off")

    def blink(self, on_time: float, off_time: float) -> None:
        self.told.append(f"blink {on_time} {off_time}")

    def close(self) -> None:
        self.told.append("close")


class Button:
    """A button; the test presses it by calling `when_pressed`."""

    made: list["Button"] = []  # noqa: RUF012  as above

    def __init__(self, pin: int, bounce_time: float) -> None:
        self.pin, self.bounce_time, self.when_pressed = pin, bounce_time, None
        self.made.append(self)

    def close(self) -> None:
        self.when_pressed = None

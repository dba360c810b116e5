"""What a validator says of a value: a stable code by which pages find words, and the values in them."""

from pydantic_core import PydanticCustomError

_SAID = "said"


def complaint(code: str, message: str, **values: str | float | list[str]) -> ValueError:
    """To be raised by a validator; `message` is for programmers, `values` are what words may name."""
    return PydanticCustomError(code, "{said}", {_SAID: message, **values})


def values_of(context: dict[str, object] | None) -> dict[str, str | int | float | list[str]]:
    """What of an error's context can travel as JSON and stand in a sentence."""
    return {
        name: value if isinstance(value, str | int | float) else [str(one) for one in value]
        for name, value in (context or {}).items()
        if name != _SAID and isinstance(value, str | int | float | list | tuple)
    }

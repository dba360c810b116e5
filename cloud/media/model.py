"""Pictures of cameras as the HTTP interface shows them."""

from typing import Literal

from pydantic import Field

from cloud.shown import Identity, Instant, Shown

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture's width and height."""


class PictureAboutShown(Shown):
    """What a snapshot shows; boxes are left, top, right, bottom as shares of its width and height."""

    box: Box = Field(description="The head that the alarm is about.")
    others: list[Box] = Field(
        default=[], description="Areas that hold all other heads; covered, unless the picture is unredacted."
    )


class PictureShown(Shown):
    """A picture of an alarm, or the clip around it."""

    id: Identity | None = Field(description="By which its bytes are asked for; null while it is on its way.")
    sha256: str = Field(description="Hexadecimal; of a snapshot the alarm named it before it came.")
    kind: Literal["snapshot", "clip"]
    media_type: str = Field(description="`image/jpeg`; of a clip `image/webp`, which moves.")
    bytes: int
    at: Instant | None = Field(description="When it was taken; null while it is on its way.")
    state: Literal["awaited", "kept", "erased"] = Field(
        description="Erased: its time was over. What a hazard record has as evidence is still there."
    )
    unredacted: bool = Field(description="Heads can be recognised; the site has it so.")
    about: PictureAboutShown | None = Field(
        description="Null of a clip, while it is on its way, and where its gateway does not say."
    )


class AlarmPictures(Shown):
    """What there is to be seen of an alarm."""

    items: list[PictureShown]
    no_picture: Literal["disk_full", "disk", "no_frame", "eyes", "replay"] | None = Field(
        description="Why its gateway had none when it was raised; null where it had, or is no camera's."
    )


class PictureLook(Shown):
    """Somebody was given a picture on which people can be known, or cut-outs of a camera's alarms."""

    id: Identity
    at: Instant
    author: str = Field(description="The account's name at that time.")
    by_program: bool = Field(description="By an API token of that account.")
    camera: str | None = Field(description="The device; null of an export that found nothing.")
    what: Literal["snapshot", "clip", "still", "cut_outs"]
    pictures: int = Field(description="How many; of cut-outs as many of this camera as are in the archive.")
    sha256: str | None = Field(description="Hexadecimal, of the picture; null of cut-outs.")
    taken_at: Instant | None = Field(description="When the picture was taken; null of cut-outs.")
    hazard: Identity | None = Field(description="The record as whose evidence it was seen.")


class BoxKey(Shown):
    """For which gateways seal pictures on which people can be known: they cannot open them again."""

    key: str = Field(description="The cloud's public key, X25519, 32 bytes in base64.")


class FileStands(Shown):
    """How a file stands after a piece, as a gateway is told."""

    sha256: str
    state: Literal["wanted", "kept"]
    offset: int = Field(description="From this byte on it is wanted; 0 of one that is kept.")

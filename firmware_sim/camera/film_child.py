"""Makes a film in H.264 with GStreamer; started by `firmware_sim.camera.filming` with the system's Python.

A script and no module of ours: the bindings of GStreamer come with Debian, for Debian's Python only. Pictures
come in by standard input, each a length (4 bytes, big-endian) and a JPEG; the film is a bare stream.
"""

import argparse
import struct
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402  # the version is chosen first

LENGTH = struct.Struct(">I")
PIPELINE = (
    "appsrc name=source block=true max-buffers=4 format=time "
    "caps=image/jpeg,width={width},height={height},framerate={rate}/1000 ! jpegdec ! videoconvert ! "
    "video/x-raw,format=I420 ! "
    "x264enc tune=zerolatency speed-preset=veryfast key-int-max={key} bitrate={kbit} ! "
    "video/x-h264,stream-format=byte-stream,alignment=au ! filesink name=file"
)


def main() -> None:
    """Take pictures until there are no more, and end once the film is whole."""
    parser = argparse.ArgumentParser()
    for name in ("width", "height", "rate", "key", "kbit"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("file")
    args = parser.parse_args()
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE.format(**vars(args)))
    pipeline.get_by_name("file").set_property("location", args.file)
    source, pipe, number = pipeline.get_by_name("source"), sys.stdin.buffer, 0
    pipeline.set_state(Gst.State.PLAYING)
    while len(head := pipe.read(LENGTH.size)) == LENGTH.size:
        picture = Gst.Buffer.new_wrapped(pipe.read(LENGTH.unpack(head)[0]))
        picture.pts = number * 1000 * Gst.SECOND // args.rate
        picture.duration = 1000 * Gst.SECOND // args.rate
        if source.emit("push-buffer", picture) != Gst.FlowReturn.OK:
            break
        number += 1
    source.emit("end-of-stream")
    ends = Gst.MessageType.EOS | Gst.MessageType.ERROR
    said = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, ends)
    pipeline.set_state(Gst.State.NULL)
    if said.type is Gst.MessageType.ERROR or said.type == Gst.MessageType.ERROR:
        sys.exit(said.parse_error().err.message)


if __name__ == "__main__":
    main()

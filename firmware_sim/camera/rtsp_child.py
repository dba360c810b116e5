"""Serves one camera over RTSP with GStreamer; started by `firmware_sim.camera.rtsp` with the system's Python.

A script and no module of ours: the bindings of GStreamer come with Debian, for Debian's Python only. By
standard input comes what to serve, one line of JSON, and then pictures, each a length (4 bytes, big-endian)
and a JPEG; the URL's port goes out, one line.
"""

import json
import os
import struct
import sys
import threading
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  # the versions are chosen first

LENGTH = struct.Struct(">I")
SOURCE = (
    "appsrc name=source is-live=true do-timestamp=true format=time leaky-type=downstream max-buffers=2 "
    "caps=image/jpeg,width={width},height={height},framerate={rate}/1000"
)
CODECS = {
    "h264": (
        "jpegdec ! videoconvert ! video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=ultrafast "
        "key-int-max=10 ! rtph264pay config-interval=1 name=pay0 pt=96"
    ),
    "jpeg": "jpegparse ! rtpjpegpay name=pay0 pt=26",
}


class Pictures:
    """Takes pictures from standard input to whoever is watching now."""

    def __init__(self) -> None:
        self.source: Any = None
        threading.Thread(target=self._read, daemon=True).start()

    def watch(self, _factory: Any, media: Any) -> None:
        """A viewer came: from now on pictures go to its pipeline, which all viewers share."""
        self.source = media.get_element().get_child_by_name("source")
        media.connect("unprepared", self._leave)

    def _leave(self, _media: Any) -> None:
        self.source = None

    def _read(self) -> None:
        pipe = sys.stdin.buffer
        while True:
            head = pipe.read(LENGTH.size)
            if len(head) < LENGTH.size:
                os._exit(0)  # the simulator has ended
            picture = pipe.read(LENGTH.unpack(head)[0])
            source = self.source
            if source is not None:
                source.emit("push-buffer", Gst.Buffer.new_wrapped(picture))


ROLE = "viewer"


def ask_for_login(server: Any, factory: Any, login: dict[str, str]) -> None:
    """Let nobody look but who logs in."""
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth = GstRtspServer.RTSPAuth()
    if login["way"] == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(login["username"], login["password"]), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(login["username"], login["password"], token)
    permissions = GstRtspServer.RTSPPermissions()
    for what in ("access", "construct"):
        permissions.add_permission_for_role(ROLE, f"media.factory.{what}", True)
    factory.set_permissions(permissions)
    server.set_auth(auth)


def main() -> None:
    """Serve until standard input ends."""
    asked = json.loads(sys.stdin.buffer.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(asked["host"])
    server.set_service(str(asked["port"]))
    server.get_session_pool().set_max_sessions(asked["viewers"])
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {SOURCE.format(**asked)} ! {CODECS[asked['codec']]} )")
    factory.set_shared(True)
    pictures = Pictures()
    factory.connect("media-configure", pictures.watch)
    if "login" in asked:
        ask_for_login(server, factory, asked["login"])
    server.get_mount_points().add_factory(f"/{asked['name']}", factory)
    if server.attach(None) == 0:
        sys.exit(f"cannot listen on {asked['host']}:{asked['port']}")
    print(server.get_bound_port(), flush=True)  # noqa: T201  # whoever started it reads this
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()

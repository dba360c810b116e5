"""Cameras: pictures made, looped or spoilt by script, served as MJPEG over HTTP and as RTSP."""

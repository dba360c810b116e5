"""What reads the messages of a device that speaks by itself, by its profile."""

from edge.drivers import frames, hj212, jsonbody
from edge.drivers.speaking import Decode
from sitewarden.profiles.model import FrameProfile, Hj212Profile, JsonProfile, SpeakingProfile


def decoder_of(profile: SpeakingProfile) -> Decode:
    """Of whichever protocol."""
    match profile:
        case Hj212Profile():
            return hj212.decoder(profile)
        case FrameProfile():
            return frames.decoder(profile)
        case JsonProfile():
            return jsonbody.decoder(profile)

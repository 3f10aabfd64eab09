"""The loudness curve of a recording, decoded by miniaudio: Ogg Vorbis, WAV, FLAC and MP3."""

import array

import miniaudio

BARS = 96


class SoundUnreadable(Exception):
    """The file is no recording that can be decoded."""


def peaks(data: bytes) -> tuple[list[float], float]:
    """Return the highest level in each of 96 stretches, 0 to 1, and the length in seconds. Raises SoundUnreadable."""
    try:
        sound = miniaudio.decode(
            data, output_format=miniaudio.SampleFormat.SIGNED16, nchannels=1, sample_rate=8000
        )
    except miniaudio.MiniaudioError as error:
        raise SoundUnreadable(str(error)) from error
    samples = array.array("h", sound.samples)
    if not samples:
        raise SoundUnreadable("no samples")
    stretches = [
        samples[len(samples) * n // BARS : max(len(samples) * (n + 1) // BARS, 1)] for n in range(BARS)
    ]
    levels = [max(max(part), -min(part)) / 32768 if part else 0.0 for part in stretches]
    return [round(level, 3) for level in levels], round(len(samples) / 8000, 2)

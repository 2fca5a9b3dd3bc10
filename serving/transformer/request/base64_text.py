"""Base64 as clients write it, decoded a step at a time."""

from __future__ import annotations

import binascii
import io

from kserve.errors import InvalidInput

# Of text, a multiple of four: a thread that decodes lets the others go on in between.
_STEP = 1 << 20


def decode_base64(text: str, field: str) -> bytes:
    """Decode `text`, in which lines may be broken, as Android's and MIME's encoders do.

    Args:
        text: Padded base64.
        field: Its place in the request.

    Raises:
        InvalidInput: It is none; the message names the field.
    """
    letters = "".join(text.split())
    decoded = io.BytesIO()
    try:
        for begin in range(0, len(letters), _STEP):
            step = letters[begin : begin + _STEP]
            if step.endswith("=") and begin + _STEP < len(letters):
                raise ValueError("Excess data after padding")
            decoded.write(binascii.a2b_base64(step, strict_mode=True))
    except ValueError as error:  # binascii's own, and the one for letters beyond ASCII
        raise InvalidInput(f"{field}: not base64 ({error})") from error
    return decoded.getvalue()

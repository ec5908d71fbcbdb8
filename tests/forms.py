"""Multipart forms as clients write them."""

BOUNDARY = "a-boundary"


def form_body(fields: dict[str, str | list[str]], files: dict[str, bytes]) -> bytes:
    """A multipart form, as browsers write it."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    parts += [
        f'Content-Disposition: form-data; name="{name}"; filename="a.wav"\r\n'.encode()
        + b"Content-Type: audio/wav\r\n\r\n"
        + data
        for name, data in files.items()
    ]
    body = b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts)
    return body + f"--{BOUNDARY}--\r\n".encode()

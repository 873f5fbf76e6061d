"""Writes picture-keys.json: golden vectors of the picture key, by a second implementation of docs/CACHE-KEY.md.

    python3 domain/vectors/picture_keys.py > domain/vectors/picture-keys.json

It knows the schema and the defaults and shares no code with the service, so that a mistake has to be made twice.
"""

import hashlib
import json
import struct
import unicodedata

SCHEMA = "pincel/picture/1"
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def sized(data: bytes) -> bytes:
    return struct.pack(">Q", len(data)) + data


def field(name: str, value) -> bytes:
    head = sized(name.encode())
    if value is None:
        return head + b"-"
    if isinstance(value, int):
        return head + b"n" + struct.pack(">Q", value)
    if isinstance(value, list):
        return head + b"d" + struct.pack(">Q", len(value)) + b"".join(value)
    return head + b"s" + sized(value.encode())


def prompt(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip(WHITE_SPACE))


def key(namespace: str, default_model: str, request: dict) -> str:
    request = {name: value for name, value in request.items() if value is not None}
    model = request.get("model", default_model)
    file_format = request.get("output_format", "png")
    svg = request.get("svg", {})
    lossy, gif = file_format in ("jpeg", "webp"), file_format == "gif"
    duration = min(max((request.get("frame_duration_ms", 200) + 5) // 10 * 10, 10), 655350)
    fields = {
        "namespace": namespace,
        "operation": "generate",
        "model": model,
        "prompt": prompt(request["prompt"]),
        "size": request.get("size", "auto"),
        "quality": {"standard": "medium", "hd": "high"}.get(request.get("quality"), request.get("quality", "auto")),
        "background": request.get("background", "auto"),
        "moderation": request.get("moderation", "auto"),
        "output_format": file_format,
        "output_compression": request.get("output_compression", 100) if lossy else None,
        "complexity": request.get("complexity", "high") if "-2.6-" in model else None,
        "input_fidelity": None,
        "frame_count": request.get("frame_count", 9) if gif else None,
        "frame_duration_ms": duration if gif else None,
        "svg.model": svg.get("model"),
        "svg.reasoning.effort": svg.get("reasoning", {}).get("effort"),
        "images": [],
        "mask": [],
        "markup": [],
    }
    data = sized(SCHEMA.encode()) + b"".join(field(name, value) for name, value in fields.items())
    return hashlib.sha256(data).hexdigest()


FLARE = "gpt-image-2.6-flare"
LONG = "x" * 31_999
VECTORS = [
    ("the least request", "default", FLARE, {"prompt": "a fox"}),
    ("every default spelled out", "default", FLARE, {
        "prompt": "a fox", "model": FLARE, "size": "auto", "quality": "auto", "background": "auto", "moderation": "auto",
        "output_format": "png", "output_compression": 100, "complexity": "high", "n": 1, "stream": False}),
    ("policy is not identity", "default", FLARE, {
        "prompt": "a fox", "user": "u", "safety_identifier": "s", "n": 4, "response_format": "url", "style": "natural"}),
    ("outer white space and line ends", "default", FLARE, {"prompt": "\u3000\r\n a\r\nfox\rhare \t"}),
    ("inner white space is kept", "default", FLARE, {"prompt": "a  fox"}),
    ("case is kept", "default", FLARE, {"prompt": "A Fox"}),
    ("composed", "default", FLARE, {"prompt": "caf\u00e9 \u00c5"}),
    ("decomposed, the same picture", "default", FLARE, {"prompt": "cafe\u0301 A\u030a"}),
    ("hangul from letters", "default", FLARE, {"prompt": "\u1112\u1161\u11ab"}),
    ("emoji", "default", FLARE, {"prompt": "\U0001f98a\u200d\U0001f308"}),
    ("nul and control characters", "default", FLARE, {"prompt": "a\u0000b\u001b[31m"}),
    ("another namespace", "shop-b", FLARE, {"prompt": "a fox"}),
    ("another default model", "default", "gpt-image-2", {"prompt": "a fox"}),
    ("a dated model is another model", "default", FLARE, {"prompt": "a fox", "model": "gpt-image-2-2026-04-21"}),
    ("size", "default", FLARE, {"prompt": "a fox", "size": "1536x1024"}),
    ("a free size", "default", FLARE, {"prompt": "a fox", "size": "3840x2160"}),
    ("quality", "default", FLARE, {"prompt": "a fox", "quality": "max"}),
    ("an older name of a quality", "default", FLARE, {"prompt": "a fox", "quality": "standard"}),
    ("transparent webp", "default", FLARE, {"prompt": "a fox", "background": "transparent", "output_format": "webp"}),
    ("jpeg, compressed", "default", FLARE, {"prompt": "a fox", "output_format": "jpeg", "output_compression": 80}),
    ("jpeg, compression 0", "default", FLARE, {"prompt": "a fox", "output_format": "jpeg", "output_compression": 0}),
    ("moderation", "default", FLARE, {"prompt": "a fox", "moderation": "low"}),
    ("complexity", "default", FLARE, {"prompt": "a fox", "complexity": "medium"}),
    ("gif, defaults", "default", FLARE, {"prompt": "a fox", "output_format": "gif"}),
    ("gif, rounded", "default", FLARE, {"prompt": "a fox", "output_format": "gif", "frame_count": 16, "frame_duration_ms": 1}),
    ("svg", "default", FLARE, {"prompt": "a fox", "output_format": "svg", "svg": {"model": "gpt-5.6"}}),
    ("svg with effort", "default", FLARE, {
        "prompt": "a fox", "output_format": "svg", "svg": {"model": "gpt-5.6", "reasoning": {"effort": "high"}}}),
    ("a long prompt", "default", FLARE, {"prompt": LONG + "a"}),
    ("a long prompt that differs at its end", "default", FLARE, {"prompt": LONG + "b"}),
]

rows = []
for what, namespace, default_model, request in VECTORS:
    row = {"what": what, "namespace": namespace, "default_model": default_model, "request": request}
    rows.append(json.dumps(row | {"key": key(namespace, default_model, request)}))
print("[\n" + ",\n".join(rows) + "\n]")

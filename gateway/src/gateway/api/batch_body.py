"""What POST /jobs/batch takes, as OpenAPI shows it; the upload is read by hand, in pieces."""

from typing import Any

_LINES = {"schema": {"type": "string", "description": "JSON lines, such as `[1,2,3]`."}}
_FIELDS: dict[str, dict[str, Any]] = {
    "model_name": {"type": "string", "description": "Or `model`."},
    "parameters": {"type": "string", "description": "What the task takes, as JSON."},
    "priority": {"type": "integer", "minimum": 0, "maximum": 10, "default": 0},
    "webhook_url": {"type": "string", "description": "Told of the end."},
}
_FILE = {"type": "string", "format": "binary", "description": "JSON lines."}

BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": _LINES,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "model_name"],
                    "properties": {"file": _FILE, **_FIELDS},
                }
            },
        },
    },
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", "As in a request."),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in _FIELDS.items()
    ],
}

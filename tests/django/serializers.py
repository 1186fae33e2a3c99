"""A serializer of a project."""

import json
from typing import Any


class Shouting:
    def dumps(self, obj: Any) -> bytes:
        return json.dumps(obj).upper().replace('"NAME"', '"name"').encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)

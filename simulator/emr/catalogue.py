"""EMR's operations on what clusters are made with: security configurations."""

import json
import time
from typing import Any

from simulator.emr.state import Account
from simulator.errors import InvalidRequest

Parameters = dict[str, Any]
Answer = dict[str, Any]


def create_security_configuration(account: Account, asked: Parameters) -> Answer:
    name, text = asked["Name"], asked["SecurityConfiguration"]
    if name in account.security:
        raise InvalidRequest(f"SecurityConfiguration with name '{name}' already exists.")
    try:
        is_object = isinstance(json.loads(text), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise InvalidRequest("SecurityConfiguration is not a JSON object.")
    account.security[name] = text, time.time()
    return {"Name": name, "CreationDateTime": account.security[name][1]}

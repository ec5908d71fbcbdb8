"""How published checkpoints name the two parts of a weight under weight norm."""

_NAMES = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}


def old_name(name: str) -> str:
    """The name that torch gave it before it had parametrizations, as the public files have it."""
    for new, old in _NAMES.items():
        name = name.replace(new, old)
    return name

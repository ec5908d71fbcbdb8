"""When a process looks for garbage."""

import gc

# Requests make no cycles worth finding soon: at the default of 700, looking for them is a twentieth
# of what the gateway does.
YOUNG_OBJECTS = 10_000


def settle() -> None:
    """What the process has built by now stays and is not looked through any more.

    Walking it at each full collection would take 100 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()

"""Where engines find it; it stands outside, since models that write need it too."""

from inference_svc.torch_errors import device_errors

__all__ = ["device_errors"]

"""The port to the replicas' and the autoscaler's own routes, and its adapters."""

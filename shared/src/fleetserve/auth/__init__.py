"""Who may do what: the pieces that the gateway and auth-svc share."""

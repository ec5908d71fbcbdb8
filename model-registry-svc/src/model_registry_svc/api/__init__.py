"""HTTP routes: they read the request, make one call and shape the answer."""

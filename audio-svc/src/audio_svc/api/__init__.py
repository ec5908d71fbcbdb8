"""The routes: they read requests and write answers, and decide nothing."""

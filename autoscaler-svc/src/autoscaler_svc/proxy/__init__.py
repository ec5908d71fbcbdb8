"""The only way to the Docker Engine: passes on what an autoscaler needs, and nothing else."""

"""The published weights of torchvision: which there are, and how they become a model's folder."""

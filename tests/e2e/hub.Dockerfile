# The hub that the tests' fleet downloads from; its code is mounted.
FROM python:3.11-slim
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir -c requirements.lock aiohttp pydantic pyyaml yarl

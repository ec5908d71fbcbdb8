"""Answers of /jobs, as OpenAPI shows them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.api.answers import Answer

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobAccepted(Answer):
    job_id: str = Field(description="GET /jobs/{job_id} tells how it is.")
    status: Status
    events_url: str
    webhook_secret: str | None = Field(
        None,
        description="What webhooks to this caller are signed with; where `webhook_url` was given.",
    )


class JobTimings(BaseModel):
    queued_s: float | None = Field(description="Seconds until a worker took it.")
    run_s: float | None = Field(description="Seconds from then to the end.")


class JobLines(BaseModel):
    total: int
    done: int
    failed: int = Field(description="Known at the end; each has its error in the result.")


class JobView(BaseModel):
    job_id: str
    status: Status
    progress: float = Field(
        ge=0,
        le=1,
        description="Of a batch: lines done; of a transcription: of the recording. Else 0, then 1.",
    )
    route: str = Field(description="The route that is replayed.")
    model: str
    priority: int
    principal: str = Field(description="Whose it is; empty while auth is off.")
    created_at: str
    started_at: str | None
    finished_at: str | None
    timings: JobTimings
    lines: JobLines | None = Field(description="Of a batch.")
    partial_text: str | None = Field(description="Of a transcription: what was heard so far.")
    result_url: str | None = Field(description="The result as a file, in its content type.")
    result_bytes: int | None
    content_type: str | None
    error: dict[str, Any] | None = Field(description="Of a failed job: what the route answered.")


class JobAnswer(JobView):
    success: bool
    result: Any = Field(
        description="The route's answer where it is JSON of at most 16 MiB; else null, and"
        " `result_url` has it."
    )


class JobsAnswer(Answer):
    jobs: list[JobView] = Field(description="The newest first.")
    next_before: int | None = Field(description="`before` of the next page; null: the last one.")
    queued: int = Field(description="Everybody's jobs that wait.")
    running: int

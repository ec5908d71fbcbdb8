"""The report as text and as a page; both say the same."""

from collections.abc import Iterable
from html import escape

from gpu_svc.api.answers import GpuConfigAnswer, GpuEntry, GpuReportAnswer

Row = tuple[str, str]
Section = tuple[str, list[Row]]


def text_report(report: GpuReportAnswer) -> str:
    lines = [f"GPU report of {report.timestamp}"]
    for title, rows in sections(report):
        width = max((len(name) for name, _ in rows), default=0)
        lines += ["", title, *(f"  {name.ljust(width)}  {value}".rstrip() for name, value in rows)]
    return "\n".join(lines) + "\n"


def html_report(report: GpuReportAnswer) -> str:
    """A whole page without scripts, styles or anything fetched."""
    body = "\n".join(_html_section(title, rows) for title, rows in sections(report))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<title>GPU report</title>\n</head>\n<body>\n"
        f"<h1>GPU report</h1>\n<p>{escape(report.timestamp)}</p>\n{body}\n</body>\n</html>\n"
    )


def sections(report: GpuReportAnswer) -> list[Section]:
    """Title and rows of each part, in reading order."""
    detect = report.detect
    found = [(f"GPU {gpu.id}: {gpu.name}", _gpu_rows(gpu)) for gpu in detect.gpus]
    summary = [
        ("GPUs", f"{detect.total_gpus}, of which suitable {detect.suitable_gpus}"),
        ("Best", f"{report.best.best_gpu.name if report.best.best_gpu else 'none'}"),
        ("Why", report.best.reason),
        *(("Note", note) for note in detect.notes),
    ]
    return [("Summary", summary), *found, *_host_sections(report), _config_section(report)]


def _gpu_rows(gpu: GpuEntry) -> list[Row]:
    capability = gpu.compute_capability.version
    return [
        ("Torch's name", gpu.pytorch_device or "hidden"),
        ("Architecture", f"{gpu.architecture}, compute capability {capability}"),
        ("Memory", f"{gpu.available_memory_mb:.0f} of {gpu.memory_mb:.0f} MiB free"),
        ("Busy", _with_unit(gpu.utilization, "%")),
        ("Temperature", _with_unit(gpu.temperature_c, "°C")),
        ("Power", f"{_with_unit(gpu.power_w, 'W')} of {_with_unit(gpu.power_limit_w, 'W')}"),
        ("Driver", gpu.driver),
        ("Precisions", ", ".join(gpu.recommended_precisions)),
        ("PyTorch", gpu.pytorch_detail),
        ("Suitable", "yes" if gpu.suitable_for_inference else f"no: {gpu.unsuitable_reason}"),
        *(
            ("Process", f"{process.pid} {process.name} {_with_unit(process.used_memory_mb, 'MiB')}")
            for process in gpu.processes
        ),
    ]


def _host_sections(report: GpuReportAnswer) -> Iterable[Section]:
    cpu, mps = report.detect.cpu, report.detect.mps
    if cpu is not None:
        cores = f"{cpu.available_cores:g} of {cpu.logical_cores} usable"
        free = _with_unit(cpu.available_memory_mb, "MiB")
        rows = [("Cores", cores), ("Memory free", free), ("Features", ", ".join(cpu.features))]
        yield f"CPU: {cpu.name} ({cpu.architecture})", rows
    yield "MPS", [("Available", f"yes: {mps.name}" if mps.available else f"no: {mps.reason}")]
    measured = report.detect.benchmarks or []
    if measured:
        rows = [(m.device, f"{_with_unit(m.copy_gb_per_s, 'GB/s')} ({m.detail})") for m in measured]
        yield "Memory copies", rows


def _config_section(report: GpuReportAnswer) -> Section:
    if report.config is None:
        return "Device in use", [("Problem", report.config_problem)]
    return "Device in use", _config_rows(report.config)


def _config_rows(config: GpuConfigAnswer) -> list[Row]:
    room = _with_unit(config.memory_recommendations.room_for_models_mb, "MiB")
    return [
        ("DEVICE", config.requested_device),
        ("Picked", config.pytorch_device),
        ("Room for models", room),
        *(
            (advice.optimization, f"{'yes' if advice.recommended else 'no'}: {advice.reason}")
            for advice in config.optimization_recommendations
        ),
    ]


def _html_section(title: str, rows: list[Row]) -> str:
    cells = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<h2>{escape(title)}</h2>\n<table>\n{cells}\n</table>"


def _with_unit(value: float | None, unit: str) -> str:
    return "not told" if value is None else f"{value:g} {unit}"

"""Where spans go: over OTLP/HTTP to `OTEL_EXPORTER_OTLP_ENDPOINT`, or nowhere."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from modelpick_shared.settings import ServiceSettings
from modelpick_shared.telemetry.tracing import use_tracer

_SIGNAL = "v1/traces"


class OwnSampler(Sampler):
    """Decides for traces that begin here, and for requests, which may come with a stranger's decision.

    A query begins none: what services look up by themselves all the time is no story. The decision goes by
    the trace id alone, so that all services agree. Our own messages say whether they are recorded.
    """

    def __init__(self, ratio: float, *, parent_is_remote: bool) -> None:
        self._ratio = TraceIdRatioBased(ratio)
        self._parent_is_remote = parent_is_remote

    def should_sample(  # noqa: PLR0917 - the interface of the SDK
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        chosen = self._sampler_of(kind)
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def _sampler_of(self, kind: SpanKind | None) -> Sampler:
        if self._parent_is_remote:
            return self._ratio if kind is SpanKind.SERVER else ALWAYS_ON
        return ALWAYS_OFF if kind is SpanKind.CLIENT else self._ratio

    def get_description(self) -> str:
        return f"OwnSampler{{{self._ratio.get_description()}}}"


def configure_tracing(service: str, settings: ServiceSettings) -> TracerProvider:
    """Give every request and message a trace id, and export what is sampled if an endpoint is set."""
    if settings.otel_exporter_otlp_endpoint is None or settings.otel_sdk_disabled:
        provider = TracerProvider(sampler=ALWAYS_OFF, resource=_resource(service))
        use_tracer(provider.get_tracer("modelpick"), recorded=False)
        return provider
    return record_spans(service, _otlp(settings), ratio=settings.otel_traces_sampler_arg)


def record_spans(service: str, processor: SpanProcessor, *, ratio: float = 1.0) -> TracerProvider:
    """Give the sampled spans of a service to `processor`."""
    sampler = ParentBased(
        OwnSampler(ratio, parent_is_remote=False),
        remote_parent_sampled=OwnSampler(ratio, parent_is_remote=True),
    )
    provider = TracerProvider(sampler=sampler, resource=_resource(service))
    provider.add_span_processor(processor)
    use_tracer(provider.get_tracer("modelpick"), recorded=True)
    return provider


def _resource(service: str) -> Resource:
    return Resource.create({SERVICE_NAME: service})


def _otlp(settings: ServiceSettings) -> SpanProcessor:
    # Takes 0.1 s to import, for a part that is off by default.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    endpoint = f"{settings.otel_exporter_otlp_endpoint}/{_SIGNAL}"
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, headers=_headers(settings)))


def _headers(settings: ServiceSettings) -> Mapping[str, str] | None:
    """Return `OTEL_EXPORTER_OTLP_HEADERS`, written `key=value,key=value` with percent-encoded values."""
    if settings.otel_exporter_otlp_headers is None:
        return None
    pairs = settings.otel_exporter_otlp_headers.get_secret_value().split(",")
    parted = [pair.partition("=") for pair in pairs]
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in parted if name.strip()}

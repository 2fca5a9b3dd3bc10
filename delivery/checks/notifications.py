"""What Alertmanager sends to people, and what lets it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from delivery.render import Object
from delivery.rendered import Pod, Rendered, matches, name_of, namespace_of

_FILE = "alertmanager.yml"
_HTTPS = 443


def notifications(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Policies let Alertmanager out to the ports of its mail relay, chat and webhooks, wherever those are."""
    for settings in rendered.of_kind("ConfigMap"):
        text = (settings.get("data") or {}).get(_FILE)
        if text is None:
            continue
        needed = set(_destinations(yaml.safe_load(text)))
        for pod in rendered.pods:
            if pod.namespace == namespace_of(settings) and _mounts(pod, name_of(settings)):
                open_ports = set(_ports_to_everywhere(rendered, pod))
                for where, port in sorted(needed):
                    if port not in open_ports and None not in open_ports:
                        yield pod.owner, f"notifies {where}, and no policy lets it out to port {port}"


def _destinations(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Each receiver's address with its port; of addresses that files have, `https`."""
    relay = (config.get("global") or {}).get("smtp_smarthost")
    for receiver in config.get("receivers") or ():
        for mail in receiver.get("email_configs") or ():
            host = str(mail.get("smarthost", relay))
            yield host, int(host.rpartition(":")[2])
        for webhook in receiver.get("webhook_configs") or ():
            if "url" in webhook:
                parts = urlsplit(webhook["url"])
                yield str(parts.hostname), parts.port or (_HTTPS if parts.scheme == "https" else 80)
        if receiver.get("slack_configs"):
            yield "chat", _HTTPS


def _mounts(pod: Pod, config_map: str) -> bool:
    return any((one.get("configMap") or {}).get("name") == config_map for one in pod.spec.get("volumes") or ())


def _ports_to_everywhere(rendered: Rendered, pod: Pod) -> Iterator[int | None]:
    """Ports of rules that name no peer; None stands for all."""
    for policy in rendered.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        if namespace_of(policy) == pod.namespace and matches(spec.get("podSelector") or {}, pod.labels):
            rules: list[Object] = spec.get("egress") or []
            for rule in rules:
                if not rule.get("to"):
                    yield from (one.get("port") for one in rule.get("ports") or [{}])

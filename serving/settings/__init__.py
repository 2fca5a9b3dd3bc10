"""Settings of the servers: flags win over the environment, and that over defaults; docs/settings.md lists all of it."""

from serving.settings.command_line import Option, ServingSettings, add_options, misspelt, settings_of
from serving.settings.values import Arm, Flag, Origins, Port, ReleaseId

__all__ = [
    "Arm",
    "Flag",
    "Option",
    "Origins",
    "Port",
    "ReleaseId",
    "ServingSettings",
    "add_options",
    "misspelt",
    "settings_of",
]

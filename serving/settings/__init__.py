"""Settings of the servers: flags win over the environment, and that over defaults; docs/settings.md lists all of it."""

from serving.settings.command_line import Option, ServingSettings, add_options, misspelt, settings_of
from serving.settings.values import Flag, Origins, Port

__all__ = ["Flag", "Option", "Origins", "Port", "ServingSettings", "add_options", "misspelt", "settings_of"]

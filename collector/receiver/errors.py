"""What stands in the way of listening."""


class PortInUse(OSError):
    """Another process listens there already."""

    def __init__(self, host: str, port: int, setting: str) -> None:
        self.host, self.port, self.setting = host, port, setting
        super().__init__(
            f"port {port} on {host} is in use: stop who listens there, or choose another {setting}"
        )

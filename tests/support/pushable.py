# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway that takes pushes."""
from janus_server import free_ports
from request_case import SmallServer


class PushableServer(SmallServer):
    """Its port for pushes is `push_port`, and stands in its configuration where that has PORT."""

    def write_configuration(self):
        self.push_port, = free_ports(1)
        self.jcfg = self.jcfg.replace("PORT", str(self.push_port))
        super().write_configuration()

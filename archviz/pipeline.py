"""The wiring: from a name to a description and to files.  The interfaces on top (cli, service) call only this."""

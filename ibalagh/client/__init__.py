"""For those outside who speak to the platform; nothing of the services is imported here."""

"""Running a service: settings, logs, health, metrics, orderly shutdown."""

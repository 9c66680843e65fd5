"""What the platform is measured and shown with: load, benchmark, peers, and the demonstration of a quarter."""

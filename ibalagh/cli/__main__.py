"""`python -m ibalagh.cli`."""

from ibalagh.cli import main

raise SystemExit(main())

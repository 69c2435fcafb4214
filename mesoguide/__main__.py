"""``python -m mesoguide`` is the command ``mesoguide``."""

from mesoguide.cli import main

main()

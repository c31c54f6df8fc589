"""`python -m tax` is `tax`."""

from tax.cli import main

main()

"""`python -m snag <verb>`: the same as `snag <verb>`."""

from snag.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())

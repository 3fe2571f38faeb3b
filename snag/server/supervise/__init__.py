"""The process that stays: it starts, watches, repairs and ends what serves."""

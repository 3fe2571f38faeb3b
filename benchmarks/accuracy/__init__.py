"""How good the verdict is: presets x seeds x data sets, each trained, calibrated and evaluated from scratch."""

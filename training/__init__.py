"""From a folder of good pictures to a calibrated, archived model."""
